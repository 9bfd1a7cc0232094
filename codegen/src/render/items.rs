//! The types of an endpoint.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};

use super::text::{Row, Table, Text, docs};
use crate::model::{Enum, Field, Fit, Item, Number, Record, Role, Rule, Setter, Side, Type, Union};
use crate::names::ident;
use crate::prose;

pub(super) fn item(text: &mut Text, item: &Item) {
    match item {
        Item::Record(record) => match record.role {
            Role::Input => text.add_macro("input", &[fields(record), builder(record)]),
            Role::Part => part(text, record),
            Role::Output => text.add_macro("output", &[fields(record)]),
        },
        Item::Enum(item) => text.add_macro("open_enum", &[values(item)]),
        Item::Union(union) => text.add_macro(
            match union.side {
                Side::Input => "input_union",
                Side::Output => "output_union",
            },
            &[members(union)],
        ),
        Item::FreeForm { name, docs } => {
            let (name, docs) = (ident(name), self::docs(docs));
            text.add(quote! { #docs pub type #name = ::fal_client::__private::Json; });
        }
    }
}

/// The builder of `Input`, whose type says which required fields are set.
fn builder(record: &Record) -> Table {
    let states: Vec<TokenStream> = states(record)
        .map(|(field, state)| {
            let (field, state) = (ident(&field.name), ident(state));
            quote! { #state = #field }
        })
        .collect();
    let (docs, head) = match states.is_empty() {
        true => ("An [`Input`] in the making.", quote! { pub struct InputBuilder }),
        false => (
            "An [`Input`] in the making: a call takes it once every required field is set.",
            quote! { pub struct InputBuilder<#(#states),*> },
        ),
    };
    Table { docs: vec![docs.to_owned()], head, rows: None }
}

/// The required fields of a record, each with the type parameter that says whether it is set.
pub(super) fn states(record: &Record) -> impl Iterator<Item = (&Field, &str)> {
    record.fields.iter().filter_map(|field| match &field.setter {
        Setter::State(state) => Some((field, state.as_str())),
        Setter::Maybe { .. } => None,
    })
}

/// A record inside an input.
fn part(text: &mut Text, record: &Record) {
    text.add_macro("input_part", &[fields(record)]);
    let name = ident(&record.name);
    let (mut parameters, mut values) = (Vec::new(), Vec::new());
    for field in &record.fields {
        let field_name = ident(&field.name);
        let (Setter::State(_), of) = (&field.setter, &field.kind) else {
            values.push(quote! { #field_name: None });
            continue;
        };
        if let Type::List(item) = of {
            let item = type_of(item);
            parameters.push(quote! { #field_name: impl IntoIterator<Item = impl Into<#item>> });
            values.push(quote! { #field_name: #field_name.into_iter().map(Into::into).collect() });
        } else {
            let of = type_of(of);
            parameters.push(quote! { #field_name: impl Into<#of> });
            values.push(quote! { #field_name: #field_name.into() });
        }
    }
    let docs = docs(&[match parameters.len() {
        0 => "One with no field set.".to_owned(),
        _ => "One with its required fields.".to_owned(),
    }]);
    text.add(quote! {
        impl #name {
            #docs
            pub fn new(#(#parameters),*) -> Self {
                #name { #(#values),* }
            }
        }
    });
    if parameters.is_empty() {
        text.add(quote! {
            impl Default for #name {
                fn default() -> Self {
                    #name::new()
                }
            }
        });
    }
}

/// A record's fields, with their JSON names, rules and setters.
fn fields(record: &Record) -> Table {
    let name = ident(&record.name);
    Table {
        docs: record.docs.clone(),
        head: quote! { pub struct #name },
        rows: Some(record.fields.iter().map(|field| row(record, field)).collect()),
    }
}

fn row(record: &Record, field: &Field) -> Row {
    let (name, of) = (ident(&field.name), type_of(&field.kind));
    let argument = argument(&field.kind);
    let mut marks = match &field.setter {
        _ if record.role == Role::Output => Vec::new(),
        Setter::Maybe { maybe, null } => {
            let maybe = ident(maybe);
            let null = null.as_ref().map(|null| {
                let null = ident(null);
                quote! { , #null }
            });
            vec![quote! { set(#maybe: #argument #null) }]
        }
        Setter::State(_) if record.role == Role::Part => Vec::new(),
        Setter::State(_) => {
            let states = states(record).map(|(other, state)| match other.name == field.name {
                true => quote! { _ },
                false => ident(state).into_token_stream(),
            });
            vec![quote! { given(#argument => #(#states),*) }]
        }
    };
    if field.name != field.wire {
        let wire = Literal::string(&field.wire);
        marks.push(quote! { name(#wire) });
    }
    marks.extend(rules(&field.rules));
    let mut docs = field.docs.clone();
    field.facts.iter().for_each(|fact| docs.extend([String::new(), fact.clone()]));
    Row { docs, item: quote! { pub #name: #of }, marks }
}

/// The marks of some rules; plain rules share one.
fn rules(rules: &[Rule]) -> impl Iterator<Item = TokenStream> {
    let is_nested = |rule: &&Rule| matches!(rule, Rule::Items(_) | Rule::Width(_) | Rule::Height(_));
    let (nested, plain): (Vec<_>, Vec<_>) = rules.iter().partition(is_nested);
    let plain = (!plain.is_empty()).then_some(plain);
    plain.into_iter().chain(nested.into_iter().map(|rule| vec![rule])).map(|rules| {
        let rules = rules.into_iter().map(rule);
        quote! { rules(#(#rules),*) }
    })
}

/// What a setter takes: a value, or in brackets a list's items.
fn argument(of: &Type) -> TokenStream {
    match of {
        Type::Option(inner) | Type::Nullable(inner) => argument(inner),
        Type::List(item) => {
            let item = type_of(item);
            quote! { [#item] }
        }
        of => type_of(of),
    }
}

fn values(item: &Enum) -> Table {
    let name = ident(&item.name);
    let rows = item.values.iter().map(|(name, value)| {
        let (name, text) = (ident(name), Literal::string(value));
        Row { docs: vec![prose::code(value)], item: quote! { #name = #text }, marks: Vec::new() }
    });
    let any_text = item.any_text.then(|| quote! { : any_text });
    Table { docs: item.docs.clone(), head: quote! { pub enum #name #any_text }, rows: Some(rows.collect()) }
}

fn members(union: &Union) -> Table {
    let name = ident(&union.name);
    let rows = union.members.iter().map(|member| {
        let (kind, name, of) = (ident(member.kind), ident(&member.name), type_of(&member.of));
        let mut marks = vec![quote! { kind(#kind) }];
        let Fit { requires, tags } = &member.fit;
        if !requires.is_empty() {
            marks.push(quote! { requires(#(#requires),*) });
        }
        marks.extend(tags.iter().map(|(key, texts)| quote! { tag(#key: #(#texts),*) }));
        marks.extend(rules(&member.rules));
        Row { docs: member.docs.clone(), item: quote! { #name(#of) }, marks }
    });
    Table { docs: union.docs.clone(), head: quote! { pub enum #name }, rows: Some(rows.collect()) }
}

fn nested(name: &str, rules: &[Rule]) -> TokenStream {
    let (name, rules) = (ident(name), rules.iter().map(rule));
    quote! { #name(&[#(#rules),*]) }
}

fn rule(of: &Rule) -> TokenStream {
    match of {
        Rule::Bound(rule, bound) => {
            let (rule, bound) = (ident(rule), number(*bound));
            quote! { #rule(#bound) }
        }
        Rule::Count(rule, count) => {
            let (rule, count) = (ident(rule), Literal::u64_unsuffixed(*count));
            quote! { #rule(#count) }
        }
        Rule::OneOf(listed) => {
            let listed = listed.iter().map(|value| number(*value));
            quote! { OneOf(&[#(#listed),*]) }
        }
        Rule::Only(only) => quote! { Only(#only) },
        Rule::Pattern(pattern) => {
            let pattern = Literal::string(pattern);
            quote! { Pattern(#pattern) }
        }
        Rule::UniqueItems => quote! { UniqueItems },
        Rule::Items(inner) => nested("Items", inner),
        Rule::Width(inner) => nested("Width", inner),
        Rule::Height(inner) => nested("Height", inner),
    }
}

fn number(of: Number) -> TokenStream {
    match of {
        Number::Int(value) => {
            let value = Literal::i128_unsuffixed(value);
            quote! { Int(#value) }
        }
        Number::Float(value) => {
            // As `1e300`, not as a one with 300 zeros.
            let value = format!("{value:?}").parse().unwrap_or_else(|_| Literal::f64_unsuffixed(value));
            quote! { Float(#value) }
        }
    }
}

/// A type's tokens. Names of the prelude are safe: no generated type has one.
fn type_of(of: &Type) -> TokenStream {
    match of {
        Type::Bool => quote! { bool },
        Type::I64 => quote! { i64 },
        Type::I128 => quote! { i128 },
        Type::F64 => quote! { f64 },
        Type::String => quote! { String },
        Type::Json => quote! { ::fal_client::__private::Json },
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
