//! Setters of fields, on a builder or on an object itself.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use crate::item::Type;
use crate::record::Field;

/// Returns the setters of an optional field: `x`, `maybe_x`, and `null_x` if null differs from an absent field. `record` is
/// the expression for the record: `self.input` or `self`. `taken` has the names of all fields.
pub(crate) fn optional(taken: &BTreeSet<String>, field: &Field, record: &TokenStream) -> TokenStream {
    let Some(value) = &field.optional else { return TokenStream::new() };
    let (name, docs) = (&field.name, &field.docs);
    let nullable = value.argument("Nullable");
    let value = nullable.as_ref().unwrap_or(value);
    let (argument, convert) = argument(value);
    let maybe = free("maybe", name, taken);
    let maybe_docs = format!(" Sets `{}` from an `Option`; `None` leaves it unset.", name.unraw());
    let (set, set_maybe) = match nullable {
        Some(_) => (
            quote! { ::core::option::Option::Some(::fal_client::Nullable::Value(#convert(#name))) },
            quote! { #name.map(#convert).map(::fal_client::Nullable::Value) },
        ),
        None => (quote! { ::core::option::Option::Some(#convert(#name)) }, quote! { #name.map(#convert) }),
    };
    let null = nullable.as_ref().map(|_| {
        let null = free("null", name, taken);
        let docs = format!(" Sends an explicit `null` as `{}`.", name.unraw());
        quote! {
            #[doc = #docs]
            pub fn #null(mut self) -> Self {
                #record.#name = ::core::option::Option::Some(::fal_client::Nullable::Null);
                self
            }
        }
    });
    quote! {
        #(#docs)*
        pub fn #name(mut self, #name: #argument) -> Self {
            #record.#name = #set;
            self
        }

        #[doc = #maybe_docs]
        pub fn #maybe(mut self, #name: ::core::option::Option<#argument>) -> Self {
            #record.#name = #set_maybe;
            self
        }

        #null
    }
}

/// Returns the setter of a required field, which returns the builder with the field as given: `value` of type `given`. A
/// field that may be null also has `maybe_x` and `null_x`.
pub(crate) fn required(
    taken: &BTreeSet<String>,
    field: &Field,
    record: &TokenStream,
    given: &TokenStream,
    value: &TokenStream,
) -> TokenStream {
    let (name, docs) = (&field.name, &field.docs);
    let nullable = field.of.argument("Nullable");
    let (argument, convert) = argument(nullable.as_ref().unwrap_or(&field.of));
    if nullable.is_none() {
        return quote! {
            #(#docs)*
            pub fn #name(mut self, #name: #argument) -> #given {
                #record.#name = #convert(#name);
                #value
            }
        };
    }
    let (maybe, null) = (free("maybe", name, taken), free("null", name, taken));
    let maybe_docs = format!(" Sets `{}` from an `Option`; `None` sends an explicit `null`.", name.unraw());
    let null_docs = format!(" Sends an explicit `null` as `{}`.", name.unraw());
    quote! {
        #(#docs)*
        pub fn #name(mut self, #name: #argument) -> #given {
            #record.#name = ::fal_client::Nullable::Value(#convert(#name));
            #value
        }

        #[doc = #maybe_docs]
        pub fn #maybe(mut self, #name: ::core::option::Option<#argument>) -> #given {
            #record.#name = #name.map(#convert).map_or(::fal_client::Nullable::Null, ::fal_client::Nullable::Value);
            #value
        }

        #[doc = #null_docs]
        pub fn #null(mut self) -> #given {
            #record.#name = ::fal_client::Nullable::Null;
            #value
        }
    }
}

/// Returns the parameter of a setter, and the expression that converts it.
pub(crate) fn parameter(name: &Ident, value: &Type) -> (TokenStream, TokenStream) {
    let (argument, convert) = argument(value);
    (quote! { #name: #argument }, quote! { #convert(#name) })
}

/// Returns the type of a setter's argument, and the function that converts it. The argument is a value that converts into the
/// field's type, or the items of a list.
fn argument(value: &Type) -> (TokenStream, TokenStream) {
    // An error about an argument points at the field's type.
    let span = value.span();
    let into = quote! { ::core::convert::Into::into };
    match value.argument("Vec") {
        Some(item) => {
            (quote_spanned! {span=> impl ::fal_client::IntoList<#item> }, quote! { ::fal_client::IntoList::into_list })
        }
        None if value.is_named(&["FileInput"]) => (quote_spanned! {span=> impl ::fal_client::IntoFile }, into),
        None => (quote_spanned! {span=> impl ::fal_client::IntoField<#value> }, into),
    }
}

/// Returns the name `prefix_x`, followed by `_` until it is free. The `_` after a keyword is left out: `maybe_loop` sets `loop_`.
fn free(prefix: &str, name: &Ident, taken: &BTreeSet<String>) -> Ident {
    let text = name.unraw().to_string();
    // `_3d` begins with `_` only because a name cannot begin with a digit.
    let text = text.strip_prefix('_').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(&text);
    let text = text.strip_suffix('_').filter(|text| !taken.contains(*text)).unwrap_or(text);
    let mut free = format!("{prefix}_{text}");
    while taken.contains(&free) {
        free.push('_');
    }
    Ident::new(&free, name.span())
}
