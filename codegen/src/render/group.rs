//! The methods that mirror the segments of an id.

use proc_macro2::TokenStream;
use quote::quote;

use super::Options;
use super::text::{Text, docs};
use crate::model::Endpoint;
use crate::names::ident;
use crate::tree::{Node, module_path};
use crate::words;

/// The root file. It has no inner attributes because it may be read by `include!`.
pub(crate) fn root(tree: &Node, options: &Options) -> String {
    let mut text = Text::new(None);
    for name in tree.children.keys() {
        let name = ident(name);
        // A program need not use everything, and in a private module nothing is public. The named lints of clippy are
        // about what the schemas decide: names, numbers of fields, sizes.
        text.add(quote! {
            #[rustfmt::skip]
            #[allow(dead_code, unreachable_pub, clippy::nursery, clippy::pedantic)]
            #[allow(clippy::enum_variant_names, clippy::large_enum_variant, clippy::module_inception)]
            #[allow(clippy::should_implement_trait, clippy::too_many_arguments, clippy::type_complexity)]
            #[allow(clippy::upper_case_acronyms, clippy::wrong_self_convention)]
            pub mod #name;
        });
    }
    let endpoints = ident(&options.trait_name);
    let signatures = tree.children.iter().map(|(name, node)| {
        let (docs, name) = (docs(&[leads_to(node)]), ident(name));
        quote! { #docs fn #name(&self) -> #name::Group; }
    });
    let methods = tree.children.keys().map(|name| {
        let name = ident(name);
        quote! { fn #name(&self) -> #name::Group { #name::Group::new(self.clone()) } }
    });
    let endpoints_docs = docs(&[words::ENDPOINTS.to_owned()]);
    text.add(quote! {
        #endpoints_docs
        #[rustfmt::skip]
        #[allow(dead_code, unreachable_pub)]
        pub trait #endpoints { #(#signatures)* }
    });
    text.add(quote! {
        #[rustfmt::skip]
        impl #endpoints for ::fal_client::Client { #(#methods)* }
    });
    text.finish()
}

/// The declarations of the modules below.
pub(super) fn children(node: &Node, options: &Options) -> TokenStream {
    let children = node.children.iter().map(|(name, child)| {
        let (gate, name) = (gate(child, options), ident(name));
        quote! { #gate pub mod #name; }
    });
    quote! { #(#children)* }
}

/// `Group`: a method for each module below, and `endpoint` where the module is an endpoint too.
pub(super) fn group(text: &mut Text, node: &Node, endpoint: Option<&Endpoint>, options: &Options) {
    let methods = node.children.iter().map(|(name, child)| {
        let (gate, docs, name) = (gate(child, options), docs(&[leads_to(child)]), ident(name));
        if child.is_group() {
            quote! { #gate #docs pub fn #name(&self) -> #name::Group { #name::Group::new(self.client.clone()) } }
        } else {
            quote! {
                #gate
                #docs
                pub fn #name(&self) -> ::fal_client::Handle<#name::Input, #name::Output> {
                    self.client.endpoint(#name::ENDPOINT)
                }
            }
        }
    });
    let own = endpoint.map(|endpoint| {
        let docs = docs(&[words::endpoint(&endpoint.id)]);
        quote! {
            #docs
            pub fn endpoint(&self) -> ::fal_client::Handle<Input, Output> {
                self.client.endpoint(ENDPOINT)
            }
        }
    });
    let group_docs = docs(&[leads_to(node)]);
    text.add(quote! {
        #group_docs
        #[derive(Clone, Debug)]
        pub struct Group { client: ::fal_client::Client }
    });
    text.add(quote! {
        impl Group {
            pub(super) fn new(client: ::fal_client::Client) -> Self { Group { client } }
            #own
            #(#methods)*
        }
    });
}

/// The cargo feature of an app's module, if there are to be any.
fn gate(node: &Node, options: &Options) -> Option<TokenStream> {
    let feature = options.features.then(|| feature(node))??;
    Some(quote! { #[cfg(feature = #feature)] })
}

/// The feature of an app: `fal-ai/flux-lora` has `fal_ai-flux_lora`. Names of modules have no `-`.
pub(crate) fn feature(node: &Node) -> Option<String> {
    (node.depth() == 2).then(|| module_path(&node.prefix).join("-"))
}

/// The documentation of a group, and of the method that leads to it.
fn leads_to(node: &Node) -> String {
    match (&node.endpoint, node.is_group()) {
        (Some(_), false) => words::endpoint(&node.prefix),
        (Some(_), true) => words::endpoint_and_below(&node.prefix),
        (None, _) => words::endpoints_below(&node.prefix),
    }
}
