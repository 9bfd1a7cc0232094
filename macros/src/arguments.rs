//! Arguments of `#[field(…)]` and `#[variant(…)]`: names, and constraints beyond the type.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Lit, LitBool, LitFloat, LitInt, LitStr, Token, parenthesized};

use crate::item::{Attribute, Type};

/// The arguments of one item's inner attributes.
#[derive(Default)]
pub(crate) struct Arguments {
    /// `name = "type"`: the name in JSON, if it differs from the field's name.
    pub(crate) name: Option<LitStr>,
    /// `required`: the schema requires the field although its type is an `Option`.
    pub(crate) required: bool,
    /// `requires("x", "y")`: keys that a union's object must have.
    pub(crate) requires: Vec<LitStr>,
    /// `tag("type" = "camera")`: keys whose value distinguishes a union's objects, as tokens of the runtime's table.
    pub(crate) tags: Vec<TokenStream>,
    /// `any_string`: the variant accepts any string, which its type does not tell.
    pub(crate) any_string: bool,
    /// The rules, each as tokens of a runtime `Rule`.
    pub(crate) rules: Vec<TokenStream>,
}

/// The item that an attribute belongs to. It decides on the arguments beyond rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Field,
    Variant,
}

impl Owner {
    fn attribute(self) -> &'static str {
        match self {
            Owner::Field => "field",
            Owner::Variant => "variant",
        }
    }
}

/// Takes the inner attributes off an item and parses their arguments.
pub(crate) fn take(attributes: &mut Vec<Attribute>, of: &Type, owner: Owner) -> syn::Result<Arguments> {
    no_cfg(attributes)?;
    let mut arguments = Arguments::default();
    while let Some(index) = attributes.iter().position(|attribute| attribute.is(owner.attribute())) {
        let attribute = attributes.remove(index);
        let parser = |input: ParseStream<'_>| arguments.parse(input, of, owner);
        parser.parse2(attribute.arguments()?)?;
    }
    Ok(arguments)
}

/// Rejects conditional compilation, which the expansion cannot follow.
pub(crate) fn no_cfg(attributes: &[Attribute]) -> syn::Result<()> {
    match attributes.iter().find(|attribute| attribute.is("cfg") || attribute.is("cfg_attr")) {
        Some(cfg) => Err(syn::Error::new_spanned(cfg, "conditional compilation inside this item is not supported")),
        None => Ok(()),
    }
}

impl Arguments {
    fn parse(&mut self, input: ParseStream<'_>, of: &Type, owner: Owner) -> syn::Result<()> {
        while !input.is_empty() {
            let name = input.call(Ident::parse_any)?;
            match (owner, name.to_string().as_str()) {
                (Owner::Field, "name") => {
                    input.parse::<Token![=]>()?;
                    self.name = Some(input.parse()?);
                }
                (Owner::Field, "required") => self.required = true,
                (Owner::Variant, "requires") => self.requires.extend(list::<LitStr>(input)?),
                (Owner::Variant, "any_string") => self.any_string = true,
                (Owner::Variant, "tag") => {
                    let content;
                    parenthesized!(content in input);
                    let key: LitStr = content.parse()?;
                    content.parse::<Token![=]>()?;
                    let values = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?.into_iter();
                    self.tags.push(quote! { (#key, &[#(#values),*]) });
                }
                (_, rule_name) => rule(&name, rule_name, of, input, &mut self.rules)?,
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }
}

/// Parses the rest of a rule for a type, after its name.
fn rule(name: &Ident, text: &str, of: &Type, input: ParseStream<'_>, rules: &mut Vec<TokenStream>) -> syn::Result<()> {
    let of = of.value();
    check(name, text, &of)?;
    match text {
        "range" => both(input, rules, ["Minimum", "Maximum"], Number::tokens)?,
        "min" => push(rules, "Minimum", one::<Number>(input)?.tokens()),
        "max" => push(rules, "Maximum", one::<Number>(input)?.tokens()),
        "length" => both(input, rules, ["MinLength", "MaxLength"], count)?,
        "min_length" => push(rules, "MinLength", count(&one(input)?)),
        "max_length" => push(rules, "MaxLength", count(&one(input)?)),
        "items" => both(input, rules, ["MinItems", "MaxItems"], count)?,
        "min_items" => push(rules, "MinItems", count(&one(input)?)),
        "max_items" => push(rules, "MaxItems", count(&one(input)?)),
        "above" => push(rules, "ExclusiveMinimum", one::<Number>(input)?.tokens()),
        "below" => push(rules, "ExclusiveMaximum", one::<Number>(input)?.tokens()),
        "multiple_of" => push(rules, "MultipleOf", one::<Number>(input)?.tokens()),
        "only" => {
            let only = one::<LitBool>(input)?;
            push(rules, "Only", quote! { #only });
        }
        "pattern" => {
            let pattern = one::<LitStr>(input)?;
            push(rules, "Pattern", quote! { #pattern });
        }
        "one_of" => {
            let numbers = list::<Number>(input)?;
            let numbers = numbers.iter().map(Number::tokens);
            push(rules, "OneOf", quote! { &[#(#numbers),*] });
        }
        "accepts" => {
            let values = list::<LitStr>(input)?;
            push(rules, "Accepts", quote! { &[#(#values),*] });
        }
        "unique_items" => rules.push(quote! { __private::Rule::UniqueItems }),
        "each" => {
            let inner = nested(input, &of.item().unwrap_or(of))?;
            push(rules, "Items", quote! { &[#(#inner),*] });
        }
        "width" | "height" | "area" | "aspect_ratio" => rules.push(part(text, input)?),
        "file" | "files" => {
            let known = if text == "file" { FILE } else { FILES };
            let limits = limits(input, known)?;
            let rule = Ident::new(if text == "file" { "File" } else { "Files" }, name.span());
            rules.push(quote! { __private::Rule::#rule(&[#(#limits),*]) });
        }
        _ => return Err(syn::Error::new(name.span(), format!("unknown argument `{name}`: {KNOWN}"))),
    }
    Ok(())
}

const KNOWN: &str = "expected `range`, `min`, `max`, `above`, `below`, `multiple_of`, `one_of`, `only`, `length`, \
                     `min_length`, `max_length`, `pattern`, `items`, `min_items`, `max_items`, `unique_items`, `each`, \
                     `width`, `height`, `area`, `aspect_ratio`, `file`, `files` or `accepts`, on a field \
                     also `name` or `required`, on a variant also `requires`, `tag` or `any_string`";

/// The arguments of `file`.
const FILE: &[&str] = &["size", "width", "height", "area", "aspect_ratio", "multiple_of"];

/// The arguments of `files`.
const FILES: &[&str] = &["size"];

/// Types that an attribute knows. Any other is an item of its own, which the attribute cannot see into.
const KNOWN_TYPES: [&str; 10] =
    ["Value", "bool", "i64", "i128", "f64", "String", "FileInput", "ImageSize", "Vec", "BTreeMap"];

/// Rejects a rule that a known type ignores.
fn check(name: &Ident, rule: &str, of: &Type) -> syn::Result<()> {
    let types: &[&str] = match rule {
        "range" | "min" | "max" | "above" | "below" | "multiple_of" | "one_of" => &["i64", "i128", "f64"],
        "only" => &["bool"],
        "length" | "min_length" | "max_length" | "pattern" => &["String", "FileInput"],
        "items" | "min_items" | "max_items" | "unique_items" => &["Vec"],
        "each" => &["Vec", "BTreeMap"],
        "width" | "height" | "area" | "aspect_ratio" => &["ImageSize"],
        "file" => &["FileInput"],
        "files" => &["Vec"],
        _ => return Ok(()),
    };
    if of.is_named(&KNOWN_TYPES) && !of.is_named(types) {
        let message = format!("`{name}` does not apply to `{of}`: expected `{}`", types.join("` or `"));
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(())
}

fn push(rules: &mut Vec<TokenStream>, rule: &str, argument: TokenStream) {
    let rule = Ident::new(rule, Span::call_site());
    rules.push(quote! { __private::Rule::#rule(#argument) });
}

/// Parses the rules for a number that is a part of the value.
fn part(name: &str, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let inner = nested(input, &syn::parse_quote!(f64))?;
    Ok(quote! { __private::Rule::Field(#name, &[#(#inner),*]) })
}

/// Parses limits of files: `(size(max(1_000_000)), width(range(64, 2048)))`.
fn limits(input: ParseStream<'_>, known: &[&str]) -> syn::Result<Vec<TokenStream>> {
    let content;
    parenthesized!(content in input);
    let mut limits = Vec::new();
    while !content.is_empty() {
        let name = content.call(Ident::parse_any)?;
        match name.to_string().as_str() {
            text if !known.contains(&text) => {
                let known = known.join("`, `");
                return Err(syn::Error::new(name.span(), format!("unknown limit `{name}`: expected one of `{known}`")));
            }
            "multiple_of" => push(&mut limits, "MultipleOf", one::<Number>(&content)?.tokens()),
            text => limits.push(part(text, &content)?),
        }
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(limits)
}

/// Parses rules for values inside the value.
fn nested(input: ParseStream<'_>, of: &Type) -> syn::Result<Vec<TokenStream>> {
    let content;
    parenthesized!(content in input);
    let mut inner = Vec::new();
    while !content.is_empty() {
        let name = content.call(Ident::parse_any)?;
        match name.to_string().as_str() {
            "required" => inner.push(quote! { __private::Rule::Present }),
            rule_name => rule(&name, rule_name, of, &content, &mut inner)?,
        }
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(inner)
}

/// Parses `(1, 8)` into the two rules for its ends, which are inclusive.
fn both<T: Parse>(
    input: ParseStream<'_>,
    rules: &mut Vec<TokenStream>,
    [least, most]: [&str; 2],
    tokens: impl Fn(&T) -> TokenStream,
) -> syn::Result<()> {
    let content;
    parenthesized!(content in input);
    push(rules, least, tokens(&content.parse()?));
    content.parse::<Token![,]>()?;
    push(rules, most, tokens(&content.parse()?));
    if content.is_empty() { Ok(()) } else { Err(content.error("expected two bounds: `(1, 8)`")) }
}

/// Parses one argument in parentheses.
fn one<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    let content;
    parenthesized!(content in input);
    content.parse()
}

/// Parses arguments in parentheses.
fn list<T: Parse>(input: ParseStream<'_>) -> syn::Result<Vec<T>> {
    let content;
    parenthesized!(content in input);
    Ok(Punctuated::<T, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

/// A number as the schema writes it. An integer stays an integer.
struct Number {
    minus: Option<Token![-]>,
    digits: Digits,
}

enum Digits {
    Integer(LitInt),
    Float(LitFloat),
}

impl Parse for Number {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let minus = input.parse()?;
        let digits = match input.parse()? {
            Lit::Int(integer) => Digits::Integer(integer),
            Lit::Float(float) => Digits::Float(float),
            other => return Err(syn::Error::new(other.span(), "expected a number")),
        };
        Ok(Number { minus, digits })
    }
}

impl Number {
    fn tokens(&self) -> TokenStream {
        let minus = &self.minus;
        match &self.digits {
            Digits::Integer(integer) => quote! { __private::Number::Int(#minus #integer) },
            Digits::Float(float) => quote! { __private::Number::Float(#minus #float) },
        }
    }
}

/// Returns the tokens of a length or of a number of items.
fn count(count: &LitInt) -> TokenStream {
    quote! { #count }
}
