//! `#[input_object]` and `#[output]`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::builder::{Builder, Texts, builder};
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
    record::no_required(&fields)?;
    let name = &item.name;
    let implementations = record::implementations(name, &fields, "Strict");
    if has_builder(&fields) {
        let texts = Texts {
            builder: format!("Builder for [`{name}`]."),
            complete: "Setters accept it once all required fields are set.",
            build: "Returns the object, once all required fields are set. Setters also accept the builder itself.",
        };
        let Builder { items, builder, states } = builder(&item, &fields, &texts)?;
        let implementations = in_const(&quote! {
            #implementations
            __private::implement_builder! { #name #builder #(#states)* }
        });
        return Ok(quote! { #item #items #implementations });
    }
    record::reserve(&fields, "new")?;
    let taken = record::names(&fields);
    let setters = fields.iter().map(|field| setters::optional(&taken, field, &quote! { self }));
    let new = new(&item, &fields);
    let implementations = in_const(&implementations);
    Ok(quote! {
        #item

        impl #name {
            #new
            #(#setters)*
        }

        #implementations
    })
}

/// Returns true if an object has a builder instead of `new`. Arguments of `new` have no names: two of them could be swapped, and
/// one that may be null would take a null without saying what it is.
fn has_builder(fields: &[Field]) -> bool {
    let mut required = fields.iter().filter(|field| field.optional.is_none());
    let first = required.next();
    required.next().is_some() || first.is_some_and(|field| field.of.argument("Nullable").is_some())
}

/// Returns the function `new`, which takes the required field, if there is one.
fn new(item: &Struct, fields: &[Field]) -> TokenStream {
    let name = &item.name;
    let required = fields.iter().find(|field| field.optional.is_none()).map(|field| {
        let name = &field.name;
        let (parameter, converted) = setters::parameter(name, &field.of);
        (parameter, quote! { #name: #converted, })
    });
    let docs = match required {
        None => format!(" Creates a `{name}` with no fields set."),
        Some(_) => format!(" Creates a `{name}` with its required field."),
    };
    let (parameter, value) = required.unzip();
    let unset = fields.iter().filter(|field| field.optional.is_some()).map(|field| &field.name);
    // An error about an argument points at the struct.
    let new = Ident::new("new", name.span());
    quote! {
        #[doc = #docs]
        pub fn #new(#parameter) -> Self {
            #name { #value #(#unset: ::core::option::Option::None,)* }
        }
    }
}
