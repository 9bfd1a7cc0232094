//! Types of the model as tokens.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::Type;
use crate::names::ident;

/// Returns a type's tokens. Names of the prelude are safe because no generated type has one.
pub(super) fn type_of(of: &Type) -> TokenStream {
    match of {
        Type::Bool => quote! { bool },
        Type::I64 => quote! { i64 },
        Type::I128 => quote! { i128 },
        Type::F64 => quote! { f64 },
        Type::String => quote! { String },
        Type::Json => quote! { ::fal_client::serde_json::Value },
        Type::Runtime(name) => {
            let name = ident(name);
            quote! { ::fal_client::#name }
        }
        Type::Local(name) => {
            let name = ident(name);
            quote! { #name }
        }
        Type::List(inner) => {
            let inner = type_of(inner);
            quote! { Vec<#inner> }
        }
        Type::Map(inner) => {
            let inner = type_of(inner);
            quote! { ::std::collections::BTreeMap<String, #inner> }
        }
        Type::Boxed(inner) => {
            let inner = type_of(inner);
            quote! { Box<#inner> }
        }
        Type::Option(inner) => {
            let inner = type_of(inner);
            quote! { Option<#inner> }
        }
        Type::Nullable(inner) => {
            let inner = type_of(inner);
            quote! { ::fal_client::Nullable<#inner> }
        }
    }
}
