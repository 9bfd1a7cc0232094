//! The attribute macros of [fal-client](https://docs.rs/fal-client), which re-exports and documents them.
//!
//! Each attribute takes an ordinary struct or enum, removes its own inner attributes (`#[field(…)]`, `#[value(…)]`,
//! `#[variant(…)]`), and adds what the runtime needs to know. The runtime reads, writes and validates values, so that an
//! expansion is little more than a table and setters. `src/schema/mod.rs` of fal-client shows one.
//!
//! | file | holds |
//! | --- | --- |
//! | `item` | structs and enums as they are written, parsed |
//! | `arguments` | the arguments of the inner attributes |
//! | `record`, `setters` | what all structs get |
//! | `builder`, `object`, `open_enum`, `union` | the expansion of each attribute |
//!
//! Compile time matters more here than elsewhere, because a user may have hundreds of endpoints: what is not looked at is
//! passed on as tokens, and what is the same for every type is a declarative macro of the runtime.

mod arguments;
mod builder;
mod item;
mod object;
mod open_enum;
mod record;
mod setters;
mod union;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as TokenStream2;
use quote::quote;
use syn::parse::Parse;

#[allow(missing_docs)] // fal-client documents its re-export.
#[proc_macro_attribute]
pub fn input(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments, item, builder::input)
}

#[allow(missing_docs)] // fal-client documents its re-export.
#[proc_macro_attribute]
pub fn input_object(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments, item, object::input_object)
}

#[allow(missing_docs)] // fal-client documents its re-export.
#[proc_macro_attribute]
pub fn output(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments, item, object::output)
}

#[allow(missing_docs)] // fal-client documents its re-export.
#[proc_macro_attribute]
pub fn open_enum(arguments: TokenStream, item: TokenStream) -> TokenStream {
    finish(syn::parse(item).and_then(|item| open_enum::open_enum(arguments.into(), item)))
}

#[allow(missing_docs)] // fal-client documents its re-export.
#[proc_macro_attribute]
pub fn input_union(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments, item, union::input_union)
}

#[allow(missing_docs)] // fal-client documents its re-export.
#[proc_macro_attribute]
pub fn output_union(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(arguments, item, union::output_union)
}

/// Expands an attribute that takes no arguments.
fn expand<T: Parse>(
    arguments: TokenStream,
    item: TokenStream,
    expansion: impl FnOnce(T) -> syn::Result<TokenStream2>,
) -> TokenStream {
    finish(match arguments.is_empty() {
        true => syn::parse(item).and_then(expansion),
        false => Err(syn::Error::new_spanned(TokenStream2::from(arguments), "this attribute takes no arguments")),
    })
}

fn finish(expansion: syn::Result<TokenStream2>) -> TokenStream {
    expansion.unwrap_or_else(syn::Error::into_compile_error).into()
}

/// A block in which the runtime is in scope as `__private`.
fn in_const(implementations: &TokenStream2) -> TokenStream2 {
    quote! {
        const _: () = {
            use ::fal_client::__private;
            #implementations
        };
    }
}
