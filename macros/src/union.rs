//! `#[input_union]` and `#[output_union]`: enums with one variant for each of several types.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::arguments::{self, Arguments, Owner};
use crate::in_const;
use crate::item::{Enum, Type, Variant};

/// A variant with one value.
struct Member {
    name: Ident,
    of: Type,
    arguments: Arguments,
}

pub(crate) fn input_union(mut item: Enum) -> syn::Result<TokenStream> {
    let members = take_members(&mut item)?;
    let name = &item.name;
    let Some(Member { name: first, .. }) = members.first() else {
        return Err(syn::Error::new(name.span(), "expected at least one variant"));
    };
    let names: Vec<&Ident> = members.iter().map(|member| &member.name).collect();
    let rules = members.iter().map(|member| {
        let rules = &member.arguments.rules;
        quote! { &[#(#rules),*] }
    });
    let functions = quote! {
        fn blank() -> Self {
            #name::#first(__private::blank())
        }

        fn validate(&self, validator: &mut __private::Validator) {
            match self {
                #(#name::#names(value) => __private::validate(value, validator, #rules),)*
            }
        }

        fn visit_files(
            &mut self,
            path: &mut __private::FieldPath,
            visit: &mut dyn __private::FnMut(&str, &mut __private::FileInput),
        ) {
            match self {
                #(#name::#names(value) => __private::visit_files(value, path, visit),)*
            }
        }
    };
    Ok(expand(&item, &members, "Strict", &TokenStream::new(), &functions))
}

pub(crate) fn output_union(mut item: Enum) -> syn::Result<TokenStream> {
    item.variants.iter().try_for_each(Variant::not_other)?;
    let members = take_members(&mut item)?;
    let name = &item.name;
    let names: Vec<&Ident> = members.iter().map(|member| &member.name).collect();
    let other = quote! {
        /// A value that matches no variant of the schema, kept as it is.
        Other(::fal_client::serde_json::Value),
    };
    let functions = quote! {
        fn blank() -> Self {
            #name::Other(::fal_client::serde_json::Value::Null)
        }

        fn other(value: ::fal_client::serde_json::Value) -> __private::Option<Self> {
            __private::Some(#name::Other(value))
        }

        fn node(&self) -> __private::Node<'_> {
            match self {
                #(#name::#names(value) => __private::node(value),)*
                #name::Other(value) => __private::node(value),
            }
        }
    };
    Ok(expand(&item, &members, "Lenient", &other, &functions))
}

/// Removes `#[variant(…)]` from every variant, and returns the variants with their arguments.
fn take_members(item: &mut Enum) -> syn::Result<Vec<Member>> {
    let mut members = Vec::with_capacity(item.variants.len());
    for variant in &mut item.variants {
        let Some(of) = variant.of.clone() else {
            return Err(syn::Error::new(variant.name.span(), "expected a variant with one unnamed value"));
        };
        let arguments = arguments::take(&mut variant.attributes, &of, Owner::Variant)?;
        members.push(Member { name: variant.name.clone(), of, arguments });
    }
    Ok(members)
}

/// Expands a union. `other` is the variant for values that match no other variant. `functions` are the functions that differ
/// between inputs and outputs.
fn expand(item: &Enum, members: &[Member], mode: &str, other: &TokenStream, functions: &TokenStream) -> TokenStream {
    let Enum { attributes, visibility, name, variants } = item;
    let mode = Ident::new(mode, name.span());
    let declarations = variants.iter().map(|variant| {
        let (attributes, name, of) = (&variant.attributes, &variant.name, &variant.of);
        quote! { #(#attributes)* #name(#of), }
    });
    let table = members.iter().map(|Member { of, arguments: Arguments { requires, tags, .. }, .. }| {
        quote! { __private::member::<#of>(&[#(#requires),*], &[#(#tags),*]) }
    });
    let reading = members.iter().enumerate().map(|(index, Member { name: variant, of, .. })| {
        quote! { #index => __private::read_member::<#of, Self, __D>(value, mode, #name::#variant), }
    });
    let mut written: Vec<Ident> = members.iter().map(|member| member.name.clone()).collect();
    if !other.is_empty() {
        written.push(Ident::new("Other", name.span()));
    }
    let types = members.iter().map(|member| &member.of);
    let conversions = members.iter().map(|member| conversions(name, member));
    let implementations = in_const(&quote! {
        #[doc(hidden)]
        impl __private::Union for #name {
            const MEMBERS: &'static [__private::Member] = &[#(#table),*];

            // A type of the endpoint may be called `D`.
            fn read_member<'de, __D: __private::Deserializer<'de>>(
                index: usize,
                value: __D,
                mode: __private::Mode,
            ) -> __private::Result<__private::Read<Self>, __D::Error> {
                match index {
                    #(#reading)*
                    _ => __private::no_such_member(),
                }
            }

            #functions
        }

        __private::implement_union! { #name #mode [#(#types),*] #(#written)* }
        #(#conversions)*
    });
    quote! {
        #(#attributes)*
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #[non_exhaustive]
        #visibility enum #name {
            #(#declarations)*
            #other
        }

        #implementations
    }
}

/// Implements `From` for a variant's type, and for literals that users write for it.
fn conversions(name: &Ident, Member { name: variant, of, arguments }: &Member) -> TokenStream {
    let from = |literal: TokenStream| quote! { __private::implement_from! { #name #variant #literal } };
    let more = if arguments.any_string || of.is_named(&["String", "FileInput"]) {
        from(quote! { &str })
    } else if of.is_named(&["f64", "i64", "i128"]) {
        from(quote! { i32 })
    } else if of.is_named(&["ImageSize"]) {
        quote! { __private::implement_from_size! { #name #variant } }
    } else {
        TokenStream::new()
    };
    quote! {
        impl __private::From<#of> for #name {
            fn from(value: #of) -> Self {
                #name::#variant(value)
            }
        }

        #more
    }
}
