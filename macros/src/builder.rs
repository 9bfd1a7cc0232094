//! `#[input]`, and the builders of inputs and of objects inside them. A builder has a type parameter for each required field, which tracks whether the
//! field is set.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::item::Struct;
use crate::record::{self, Field};
use crate::{in_const, setters};

pub(crate) fn input(mut item: Struct) -> syn::Result<TokenStream> {
    let fields = record::take_fields(&mut item)?;
    record::no_required(&fields)?;
    let name = &item.name;
    let texts = Texts {
        builder: format!("Builder for [`{name}`]."),
        complete: "Calls accept it once all required fields are set.",
        build: "Returns the input, once all required fields are set. Calls also accept the builder itself.",
    };
    let Builder { items, builder, states } = builder(&item, &fields, &texts)?;
    let implementations = record::implementations(name, &fields, "Strict");
    let implementations = in_const(&quote! {
        #implementations
        __private::implement_input! { #name }
        __private::implement_builder! { #name #builder #(#states)* }
    });
    Ok(quote! {
        #item

        impl #name {
            /// Checks every constraint of the endpoint's schema and reports all violations together. Calls do this before
            /// anything is sent.
            ///
            /// # Errors
            ///
            /// Lists the violations, each with the location of its field.
            pub fn validate(&self) -> ::core::result::Result<(), ::fal_client::ValidationError> {
                ::fal_client::__private::validate_input(self)
            }
        }

        #items
        #implementations
    })
}

/// The documentation of a builder.
pub(crate) struct Texts {
    pub(crate) builder: String,
    /// The sentence about a builder with all required fields, if there are any.
    pub(crate) complete: &'static str,
    /// The documentation of `build`.
    pub(crate) build: &'static str,
}

/// The expansion of a builder.
pub(crate) struct Builder {
    /// The builder with its setters, and the function that creates it.
    pub(crate) items: TokenStream,
    /// The builder's name.
    pub(crate) builder: Ident,
    /// The type parameter of each required field.
    pub(crate) states: Vec<Ident>,
}

/// Expands the builder of a struct.
pub(crate) fn builder(item: &Struct, fields: &[Field], texts: &Texts) -> syn::Result<Builder> {
    record::reserve(fields, "build")?;
    let Struct { visibility, name, .. } = item;
    let builder = format_ident!("{name}Builder");
    let required: Vec<&Field> = fields.iter().filter(|field| field.optional.is_none()).collect();
    let states = states(fields, &required, [name, &builder]);
    let markers = format_ident!("{}_required", snake(&name.to_string()));
    let marker_names: Vec<&Ident> = required.iter().map(|field| &field.name).collect();
    let docs = match required.is_empty() {
        true => format!(" {}", texts.builder),
        false => format!(" {} {}", texts.builder, texts.complete),
    };
    let build_docs = format!(" {}", texts.build);

    let build = Ident::new("build", name.span());
    let (record, taken) = (quote! { self.record }, record::names(fields));
    let mut set = 0..;
    // The documentation lists the setters in this order.
    let required_first = required.iter().copied().chain(fields.iter().filter(|field| field.optional.is_some()));
    let setters = required_first.map(|field| match field.optional {
        Some(_) => setters::optional(&taken, field, &record),
        None => {
            let (before, after) = states.split_at(set.next().unwrap_or_default());
            let after = &after[1..];
            let given = quote! { #builder<#(#before,)* ::fal_client::Given #(, #after)*> };
            let value = quote! { #builder { record: self.record, state: ::core::marker::PhantomData } };
            setters::required(&taken, field, &record, &given, &value)
        }
    });
    // An error about a missing field points at the struct.
    let are_given = quote_spanned! {name.span().resolved_at(Span::call_site())=> #(#states: ::fal_client::Required,)* };
    let allow = record::allow_deprecated(fields);
    let items = quote! {
        #[doc(hidden)]
        #[allow(missing_debug_implementations, missing_docs, non_camel_case_types, unreachable_pub)]
        #visibility mod #markers {
            #(pub enum #marker_names {})*
        }

        #[doc = #docs]
        #[must_use = "a builder does nothing until it is passed on or built"]
        #visibility struct #builder<#(#states = ::fal_client::Missing<#markers::#marker_names>),*> {
            record: #name,
            state: ::core::marker::PhantomData<(#(#states,)*)>,
        }

        impl #name {
            /// Returns a builder with no fields set.
            pub fn builder() -> #builder {
                #builder { record: ::fal_client::__private::blank(), state: ::core::marker::PhantomData }
            }
        }

        #allow
        impl<#(#states),*> #builder<#(#states),*> {
            #(#setters)*

            #[doc = #build_docs]
            pub fn #build(self) -> #name
            where
                #are_given
            {
                self.record
            }
        }
    };
    Ok(Builder { items, builder, states })
}

/// Returns the type parameter of each required field: its name, followed by `State` if a type in the struct has that name.
fn states(fields: &[Field], required: &[&Field], others: [&Ident; 2]) -> Vec<Ident> {
    let mut taken: BTreeSet<String> = others.iter().map(|name| name.to_string()).collect();
    taken.insert("Self".to_owned());
    fields.iter().for_each(|field| field.of.identifiers(&mut taken));
    let state = |field: &&Field| {
        let mut state = pascal(&field.name.unraw().to_string());
        while !taken.insert(state.clone()) {
            state.push_str("State");
        }
        Ident::new(&state, field.name.span())
    };
    required.iter().map(state).collect()
}

/// Converts `control_image_url` to `ControlImageUrl`.
fn pascal(name: &str) -> String {
    let mut pascal = String::new();
    for word in name.split('_') {
        let mut chars = word.chars();
        pascal.extend(chars.next().into_iter().flat_map(char::to_uppercase));
        pascal.push_str(chars.as_str());
    }
    match pascal.starts_with(char::is_alphabetic) {
        true => pascal,
        false => format!("Field{pascal}"),
    }
}

/// Converts `MyInput` to `my_input`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}
