//! `#[input_object]` and `#[output]`: structs without a builder.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::item::Struct;
use crate::record::{self, Field};
use crate::{in_const, setters};

pub(crate) fn output(mut item: Struct) -> syn::Result<TokenStream> {
    let fields = record::take_fields(&mut item)?;
    record::no_rules(&fields)?;
    let implementations = in_const(&record::implementations(&item.name, &fields, "Lenient"));
    Ok(quote! { #item #implementations })
}

pub(crate) fn input_object(mut item: Struct) -> syn::Result<TokenStream> {
    let fields = record::take_fields(&mut item)?;
    record::reserve(&fields, "new")?;
    record::no_required(&fields)?;
    let name = &item.name;
    let implementations = record::implementations(name, &fields, "Strict");
    let taken = record::names(&fields);
    let setters = fields.iter().map(|field| setters::optional(&taken, field, &quote! { self }));
    let new = new(&item, &fields);
    let implementations = in_const(&implementations);
    let allow = record::allow_deprecated(&fields);
    Ok(quote! {
        #item

        #allow
        impl #name {
            #new
            #(#setters)*
        }

        #implementations
    })
}

/// Returns the function `new`, which takes the required fields in order.
fn new(item: &Struct, fields: &[Field]) -> TokenStream {
    let name = &item.name;
    let required = fields.iter().filter(|field| field.optional.is_none());
    let (parameters, values): (Vec<TokenStream>, Vec<TokenStream>) = required
        .map(|field| {
            let name = &field.name;
            let (parameter, converted) = setters::parameter(name, &field.of);
            (parameter, quote! { #name: #converted })
        })
        .unzip();
    let unset = fields.iter().filter(|field| field.optional.is_some()).map(|field| &field.name);
    let docs = match parameters.is_empty() {
        true => format!(" Creates a `{name}` with no fields set."),
        false => format!(" Creates a `{name}` with its required fields."),
    };
    // An error about an argument points at the struct.
    let new = Ident::new("new", name.span());
    quote! {
        #[doc = #docs]
        pub fn #new(#(#parameters),*) -> Self {
            #name { #(#values,)* #(#unset: ::core::option::Option::None,)* }
        }
    }
}
