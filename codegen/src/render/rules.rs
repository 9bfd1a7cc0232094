//! Rules as arguments of the attributes `#[field(…)]` and `#[variant(…)]`.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::model::{Number, Rule};
use crate::names::ident;

/// Returns the arguments for some rules. A lower bound and an upper bound behind it share one: `range(0, 1)`.
pub(super) fn arguments(rules: &[Rule]) -> Vec<TokenStream> {
    let mut arguments = Vec::new();
    let mut rest = rules;
    while let [rule, after @ ..] = rest {
        let (argument, used) = match (range_end(rule), after.first().and_then(range_end)) {
            (Some((name, least)), Some((other, most))) if name == other && is_lower(rule) && !is_lower(&after[0]) => {
                let name = ident(name);
                (quote! { #name(#least, #most) }, 2)
            }
            _ => (single(rule), 1),
        };
        arguments.push(argument);
        rest = &rest[used..];
    }
    arguments
}

/// Returns the bound of an inclusive range, with the range's name: `range` of values, `length` of a string, `items` of an array.
fn range_end(rule: &Rule) -> Option<(&'static str, TokenStream)> {
    match rule {
        Rule::Bound("Minimum" | "Maximum", bound) => Some(("range", number(*bound))),
        Rule::Count(name, bound) => Some((if name.ends_with("Length") { "length" } else { "items" }, count(*bound))),
        _ => None,
    }
}

fn is_lower(rule: &Rule) -> bool {
    matches!(rule, Rule::Bound(name, _) | Rule::Count(name, _) if name.starts_with("Min"))
}

fn single(rule: &Rule) -> TokenStream {
    match rule {
        Rule::Bound(rule, bound) => {
            let (name, bound) = (ident(argument(rule)), number(*bound));
            quote! { #name(#bound) }
        }
        Rule::Count(rule, bound) => {
            let (name, bound) = (ident(argument(rule)), count(*bound));
            quote! { #name(#bound) }
        }
        Rule::OneOf(allowed) => {
            let allowed = allowed.iter().map(|value| number(*value));
            quote! { one_of(#(#allowed),*) }
        }
        Rule::Only(only) => quote! { only(#only) },
        Rule::Pattern(pattern) => {
            let pattern = Literal::string(pattern);
            quote! { pattern(#pattern) }
        }
        Rule::UniqueItems => quote! { unique_items },
        Rule::Required => quote! { required },
        Rule::Items(inner) => nested("each", inner),
        Rule::Part(name, inner) => nested(name, inner),
        Rule::Accepts(values) => {
            let values = values.iter().map(|value| Literal::string(value));
            quote! { accepts(#(#values),*) }
        }
    }
}

/// The argument for a single bound or count.
fn argument(rule: &str) -> &'static str {
    match rule {
        "Minimum" => "min",
        "Maximum" => "max",
        "ExclusiveMinimum" => "above",
        "ExclusiveMaximum" => "below",
        "MinLength" => "min_length",
        "MaxLength" => "max_length",
        "MinItems" => "min_items",
        "MaxItems" => "max_items",
        _ => "multiple_of",
    }
}

fn nested(name: &str, rules: &[Rule]) -> TokenStream {
    let (name, rules) = (ident(name), arguments(rules));
    quote! { #name(#(#rules),*) }
}

fn count(of: u64) -> TokenStream {
    let count = Literal::u64_unsuffixed(of);
    quote! { #count }
}

fn number(of: Number) -> TokenStream {
    match of {
        Number::Int(value) => {
            let value = Literal::i128_unsuffixed(value);
            quote! { #value }
        }
        Number::Float(value) => {
            // As `1e300`, not as a one with 300 zeros.
            let value = format!("{value:?}").parse().unwrap_or_else(|_| Literal::f64_unsuffixed(value));
            quote! { #value }
        }
    }
}
