//! Tokens to text.

use proc_macro2::TokenStream;
use quote::quote;

use crate::mark::MARK;
use crate::model::Endpoint;

/// A file that is being written, item by item.
pub(super) struct Text(String);

impl Text {
    /// Starts a file. The header names a document by the id in it, not by its path, so that the text depends on contents
    /// alone; MANIFEST has the paths.
    pub(super) fn new(endpoint: Option<&Endpoint>) -> Self {
        Text(match endpoint {
            Some(endpoint) => format!("// {MARK} from {}.json. Do not edit.\n", endpoint.id),
            None => format!("// {MARK}. Do not edit.\n"),
        })
    }

    /// Adds items, with an empty line before them.
    pub(super) fn add(&mut self, items: TokenStream) {
        self.0.push('\n');
        self.0.push_str(&pretty(items));
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Doc comments of an item.
pub(super) fn docs(lines: &[String]) -> TokenStream {
    let lines = lines.iter().map(|line| spaced(line));
    quote! { #(#[doc = #lines])* }
}

/// Doc comments of a file.
pub(super) fn file_docs(lines: &[String]) -> TokenStream {
    let lines = lines.iter().map(|line| spaced(line));
    quote! { #(#![doc = #lines])* }
}

fn spaced(line: &str) -> String {
    if line.is_empty() { String::new() } else { format!(" {line}") }
}

/// Lays out items, with an empty line between the functions of a block.
fn pretty(items: TokenStream) -> String {
    let text = match syn::parse2::<syn::File>(items.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        // What is rendered here always parses; the text would be the same, in one line.
        Err(_) => format!("{items}\n"),
    };
    let mut spaced = String::with_capacity(text.len());
    let mut after_function = false;
    for line in text.lines() {
        if after_function && line != "}" {
            spaced.push('\n');
        }
        spaced.push_str(line);
        spaced.push('\n');
        after_function = line == "    }";
    }
    spaced
}
