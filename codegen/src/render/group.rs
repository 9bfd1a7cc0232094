//! The modules: an endpoint's file, and the methods that mirror the id.

use proc_macro2::TokenStream;
use quote::quote;

use super::text::{Text, docs, file_docs};
use super::{Options, items};
use crate::model::{Endpoint, Field, Item, Record, Type};
use crate::names::ident;
use crate::prose;
use crate::tree::{Node, module_path};

/// The root file. It has no inner attributes, for it may be read by `include!`.
pub(crate) fn root(tree: &Node, options: &Options) -> String {
    let mut text = Text::new();
    for name in tree.children.keys() {
        let name = ident(name);
        // A program need not use everything, and in a private module nothing is public. The lints of clippy that are
        // named are about what the schemas decide: names, numbers of fields, sizes.
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
    text.add(quote! {
        /// The endpoints, as methods of a client: one for each owner, and so on along the id.
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

/// The file of a module: an endpoint, a group, or both.
pub(crate) fn module(node: &Node, endpoint: Option<&Endpoint>, options: &Options) -> String {
    let mut text = Text::new();
    text.add(file_docs(&match endpoint {
        Some(endpoint) => about(endpoint),
        None => vec![format!("The endpoints below {}.", prose::code(&node.prefix))],
    }));
    if node.is_group() {
        let children = node.children.iter().map(|(name, child)| {
            let (gate, name) = (gate(child, options), ident(name));
            quote! { #gate pub mod #name; }
        });
        text.add(quote! { #(#children)* });
        group(&mut text, node, endpoint, options);
    }
    if let Some(endpoint) = endpoint {
        let id = &endpoint.id;
        text.add(quote! {
            /// The endpoint, for [`Client::endpoint`](::fal_client::Client::endpoint).
            pub const ENDPOINT: ::fal_client::Endpoint<Input, Output> = ::fal_client::Endpoint::new(#id);
        });
        for item in &endpoint.items {
            items::item(&mut text, item);
        }
    }
    text.finish()
}

/// What an endpoint's module says about it. The example is plain text, for it cannot know in which crate it stands.
fn about(endpoint: &Endpoint) -> Vec<String> {
    let mut lines = vec![match &endpoint.category {
        Some(category) => format!("{}: {}.", prose::code(&endpoint.id), prose::lines(category).join(" ")),
        None => format!("{}.", prose::code(&endpoint.id)),
    }];
    lines.extend([String::new(), format!("<https://fal.ai/models/{}>", endpoint.id), String::new()]);

    let path = module_path(&endpoint.id);
    let (module, methods) = (path.last().map_or("", String::as_str), path.join("()."));
    lines.push("```text".to_owned());
    lines.extend(match endpoint.input() {
        Some(input) => built(endpoint, module, input),
        None => vec!["let input = serde_json::json!({});".to_owned()],
    });
    lines.push(format!("let result = client.{methods}().subscribe(input).await?;"));
    lines.push("```".to_owned());
    lines
}

/// An input of what is required, a setter a line where there are several.
fn built(endpoint: &Endpoint, module: &str, input: &Record) -> Vec<String> {
    let setter = |(field, _): (&Field, &str)| {
        let value = example(endpoint, module, &field.kind).unwrap_or_else(|| field.name.clone());
        format!(".{}({value})", field.name)
    };
    let setters: Vec<String> = items::states(input).map(setter).collect();
    let start = format!("let input = {module}::Input::builder()");
    match &setters[..] {
        [] | [_] => vec![format!("{start}{};", setters.concat())],
        [first @ .., last] => {
            let first = first.iter().map(|setter| format!("    {setter}"));
            [start].into_iter().chain(first).chain([format!("    {last};")]).collect()
        }
    }
}

/// What one could write for a value of a type, if that is short.
fn example(endpoint: &Endpoint, module: &str, of: &Type) -> Option<String> {
    Some(match of {
        Type::String => "\"…\"".to_owned(),
        Type::Runtime("FileInput") => "\"https://…\"".to_owned(),
        Type::List(item) => format!("[{}]", example(endpoint, module, item)?),
        Type::Local(name) => {
            let found = endpoint.items.iter().find_map(|item| match item {
                Item::Enum(found) if found.name == *name => found.values.first(),
                _ => None,
            });
            format!("{module}::{name}::{}", found?.0)
        }
        _ => return None,
    })
}

/// `Group`: a method for each module below. Where the module is an endpoint too, the group is its handle as well.
fn group(text: &mut Text, node: &Node, endpoint: Option<&Endpoint>, options: &Options) {
    let prefix = prose::code(&node.prefix);
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
    let (group_docs, fields, new) = match endpoint {
        None => (
            docs(&[format!("The endpoints below {prefix}.")]),
            quote! { client: ::fal_client::Client },
            quote! { Group { client } },
        ),
        Some(_) => (
            docs(&[format!("The endpoint {prefix}, as its handle, and the endpoints below it.")]),
            quote! {
                client: ::fal_client::Client,
                handle: ::fal_client::Handle<Input, Output>
            },
            quote! { Group { handle: client.endpoint(ENDPOINT), client } },
        ),
    };
    text.add(quote! {
        #group_docs
        #[derive(Clone, Debug)]
        pub struct Group { #fields }
    });
    text.add(quote! {
        impl Group {
            pub(super) fn new(client: ::fal_client::Client) -> Self { #new }
            #(#methods)*
        }
    });
    if endpoint.is_some() {
        text.add(deref());
    }
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

fn deref() -> TokenStream {
    quote! {
        impl ::std::ops::Deref for Group {
            type Target = ::fal_client::Handle<Input, Output>;
            fn deref(&self) -> &Self::Target { &self.handle }
        }
    }
}

/// What a method leads to.
fn leads_to(node: &Node) -> String {
    let prefix = prose::code(&node.prefix);
    match (&node.endpoint, node.is_group()) {
        (Some(_), false) => format!("The endpoint {prefix}."),
        (Some(_), true) => format!("The endpoint {prefix}, and those below it."),
        (None, _) => format!("The endpoints below {prefix}."),
    }
}
