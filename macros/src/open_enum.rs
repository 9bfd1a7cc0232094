//! `#[open_enum]`: an enum of strings that also accepts undeclared values.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::LitStr;

use crate::item::{Enum, Variant};
use crate::{arguments, in_const};

pub(crate) fn open_enum(arguments: TokenStream, item: Enum) -> syn::Result<TokenStream> {
    let any_string = match arguments.to_string().as_str() {
        "" => false,
        "any_string" => true,
        _ => return Err(syn::Error::new_spanned(arguments, "expected `any_string` or nothing")),
    };
    let Enum { attributes, visibility, name, mut variants } = item;
    let mut values: Vec<LitStr> = Vec::new();
    let (mut taken, mut documentation) = (BTreeSet::new(), Vec::new());
    for variant in &mut variants {
        let value = take_value(variant)?;
        let string = value.value();
        if taken.contains(&string) {
            return Err(syn::Error::new(value.span(), format!("two variants have the value `{string}`")));
        }
        // A variant without documentation is documented by its value.
        let is_documented = variant.attributes.iter().any(|attribute| attribute.is("doc"));
        documentation.push((!is_documented).then(|| {
            let docs = docs(&string);
            quote! { #[doc = #docs] }
        }));
        taken.insert(string);
        values.push(value);
    }
    let variant_names: Vec<&Ident> = variants.iter().map(|variant| &variant.name).collect();
    let declarations = variants.iter().zip(&documentation).map(|(Variant { attributes, name, .. }, docs)| {
        quote! { #(#attributes)* #docs #name, }
    });
    let conversions = match any_string {
        true => quote! { __private::implement_from_string! { #name } },
        false => quote! { __private::implement_exact_item! { #name } },
    };
    let implementations = in_const(&quote! {
        #[doc(hidden)]
        impl __private::OpenEnum for #name {
            const INFO: __private::EnumInfo<Self> = __private::EnumInfo {
                strings: #name::VALUES,
                values: &[#(#name::#variant_names),*],
                other: #name::Other,
                as_str: #name::as_str,
                any_string: #any_string,
            };
        }

        __private::implement_open_enum! { #name }
        #conversions
    });
    Ok(quote! {
        #(#attributes)*
        #[derive(::core::clone::Clone)]
        #[non_exhaustive]
        #visibility enum #name {
            #(#declarations)*
            /// An undeclared value, created by [`Self::other`] or read from a response.
            Other(::fal_client::UndeclaredValue),
        }

        impl #name {
            /// The declared values, in the schema's order.
            pub const VALUES: &'static [&'static str] = &[#(#values),*];

            /// Creates a value from any string, for a service that is ahead of the schema. To send an undeclared value, set
            /// `validate(false)` on the call.
            pub fn other(value: impl ::core::convert::AsRef<str>) -> Self {
                ::fal_client::__private::value_of(value.as_ref())
            }

            /// Returns the string that is sent.
            pub fn as_str(&self) -> &str {
                match self {
                    #(#name::#variant_names => #values,)*
                    #name::Other(value) => value.as_str(),
                }
            }
        }

        #implementations
    })
}

/// Maximum number of characters of a value in its documentation.
const MAX_SHOWN: usize = 120;

/// The documentation of a value: itself, without characters that would end the code or cannot be seen.
fn docs(value: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let shown: String = value.chars().filter(|c| *c != '`' && !is_hidden(*c)).take(MAX_SHOWN).collect();
    if shown.trim().is_empty() { " (blank)".to_owned() } else { format!(" `{shown}`") }
}

/// Removes `#[value("…")]` from a variant and returns the value.
fn take_value(variant: &mut Variant) -> syn::Result<LitStr> {
    arguments::no_cfg(&variant.attributes)?;
    variant.not_other()?;
    if variant.of.is_some() {
        return Err(syn::Error::new(variant.name.span(), "expected a variant without a value"));
    }
    let Some(index) = variant.attributes.iter().position(|attribute| attribute.is("value")) else {
        let message = "expected `#[value(\"…\")]` before the variant: the string that stands for it in JSON";
        return Err(syn::Error::new(variant.name.span(), message));
    };
    syn::parse2(variant.attributes.remove(index).arguments()?)
}
