//! The types of an endpoint: ordinary structs and enums with the attributes of fal-client.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::rules;
use super::text::docs;
use super::types::type_of;
use crate::model::{Enum, Field, Fit, Item, Member, Presence, Record, Role, Side, Type, Union};
use crate::names::ident;

pub(super) fn item(item: &Item) -> TokenStream {
    match item {
        Item::Record(item) => record(item),
        Item::Enum(item) => open_enum(item),
        Item::Union(item) => union(item),
        Item::FreeForm { name, docs } => {
            let (name, docs) = (ident(name), self::docs(docs));
            quote! { #docs pub type #name = ::fal_client::serde_json::Value; }
        }
    }
}

fn record(record: &Record) -> TokenStream {
    let attribute = ident(match record.role {
        Role::Input => "input",
        Role::Part => "input_object",
        Role::Output => "output",
    });
    let (docs, name, fields) = (docs(&record.docs), ident(&record.name), record.fields.iter().map(field));
    quote! {
        #docs
        #[::fal_client::#attribute]
        pub struct #name { #(#fields,)* }
    }
}

fn field(field: &Field) -> TokenStream {
    let mut lines = field.docs.clone();
    field.facts.iter().for_each(|fact| lines.extend([String::new(), fact.clone()]));
    let (docs, name, of) = (docs(&lines), ident(&field.name), type_of(&field.kind));
    let wire = (field.name != field.wire).then(|| {
        let wire = Literal::string(&field.wire);
        quote! { name = #wire }
    });
    let required = (field.presence == Presence::Expected).then(|| quote! { required });
    let arguments = attribute("field", wire.into_iter().chain(required).chain(rules::arguments(&field.rules)));
    quote! { #docs #arguments pub #name: #of }
}

fn open_enum(item: &Enum) -> TokenStream {
    let any_string = item.any_string.then(|| quote! { (any_string) });
    let (docs, name) = (docs(&item.docs), ident(&item.name));
    let variants = item.values.iter().map(|(name, value)| {
        let (name, value) = (ident(name), Literal::string(value));
        quote! { #[value(#value)] #name }
    });
    quote! {
        #docs
        #[::fal_client::open_enum #any_string]
        pub enum #name { #(#variants,)* }
    }
}

fn union(union: &Union) -> TokenStream {
    let side = ident(match union.side {
        Side::Input => "input_union",
        Side::Output => "output_union",
    });
    let (docs, name, variants) = (docs(&union.docs), ident(&union.name), union.members.iter().map(variant));
    quote! {
        #docs
        #[::fal_client::#side]
        pub enum #name { #(#variants,)* }
    }
}

fn variant(member: &Member) -> TokenStream {
    let mut arguments = Vec::new();
    // An enum of declared strings accepts others only if it says so.
    if member.any_string && matches!(member.of, Type::Local(_)) {
        arguments.push(quote! { any_string });
    }
    let Fit { requires, tags } = &member.fit;
    if !requires.is_empty() {
        arguments.push(quote! { requires(#(#requires),*) });
    }
    arguments.extend(tags.iter().map(|(key, values)| quote! { tag(#key = #(#values),*) }));
    arguments.extend(rules::arguments(&member.rules));
    let arguments = attribute("variant", arguments.into_iter());
    let (docs, name, of) = (docs(&member.docs), ident(&member.name), type_of(&member.of));
    quote! { #docs #arguments #name(#of) }
}

/// Returns an attribute with arguments, or nothing without any.
fn attribute(name: &str, arguments: impl Iterator<Item = TokenStream>) -> Option<TokenStream> {
    let (name, mut arguments) = (ident(name), arguments.peekable());
    arguments.peek()?;
    Some(quote! { #[#name(#(#arguments),*)] })
}
