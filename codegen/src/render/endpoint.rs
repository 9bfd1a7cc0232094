//! The file of a module: an endpoint, a group, or both.

use quote::quote;

use super::Options;
use super::example::example;
use super::group::{children, group};
use super::items;
use super::text::{Text, docs, file_docs};
use crate::model::Endpoint;
use crate::tree::Node;
use crate::{prose, words};

pub(crate) fn module(node: &Node, endpoint: Option<&Endpoint>, options: &Options) -> String {
    let mut text = Text::new(endpoint);
    text.add(file_docs(&match endpoint {
        Some(endpoint) => about(node, endpoint, options),
        None => vec![words::endpoints_below(&node.prefix)],
    }));
    if node.is_group() {
        text.add(children(node, options));
        group(&mut text, node, endpoint, options);
    }
    if let Some(endpoint) = endpoint {
        let (id, docs) = (&endpoint.id, docs(&[words::ENDPOINT.to_owned()]));
        text.add(quote! {
            #docs
            pub const ENDPOINT: ::fal_client::Endpoint<Input, Output> = ::fal_client::Endpoint::new(#id);
        });
        endpoint.items.iter().for_each(|item| text.add(items::item(item)));
    }
    text.finish()
}

/// The documentation of an endpoint's module.
fn about(node: &Node, endpoint: &Endpoint, options: &Options) -> Vec<String> {
    let mut lines = vec![match &endpoint.category {
        Some(category) => format!("{}: {}.", prose::code(&endpoint.id), prose::lines(category).join(" ")),
        None => format!("{}.", prose::code(&endpoint.id)),
    }];
    lines.extend([String::new(), format!("<https://fal.ai/models/{}>", endpoint.id), String::new()]);
    lines.extend(example(node, endpoint, options));
    lines
}
