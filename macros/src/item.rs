//! Structs and enums. Documentation, visibilities and types are kept as tokens, because parsing them would cost every user of
//! a large schema compile time.

use std::collections::BTreeSet;
use std::fmt;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Token, Visibility, braced, parenthesized};

/// `#[name …]`.
#[derive(Clone)]
pub(crate) struct Attribute {
    pound: Token![#],
    brackets: Group,
    name: String,
}

impl Attribute {
    fn parse_all(input: ParseStream<'_>) -> syn::Result<Vec<Attribute>> {
        let mut attributes = Vec::new();
        while input.peek(Token![#]) {
            let (pound, brackets) = (input.parse()?, input.parse::<Group>()?);
            let name = brackets.stream().into_iter().next().map_or_else(String::new, |name| name.to_string());
            attributes.push(Attribute { pound, brackets, name });
        }
        Ok(attributes)
    }

    /// Returns true for `#[name …]`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// Returns the tokens in the parentheses of `#[name(…)]`.
    pub(crate) fn arguments(&self) -> syn::Result<TokenStream> {
        let mut tokens = self.brackets.stream().into_iter().skip(1);
        match (tokens.next(), tokens.next()) {
            (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::Parenthesis => Ok(group.stream()),
            _ => Err(syn::Error::new(self.brackets.span(), format!("expected `#[{}(…)]`", self.name))),
        }
    }
}

impl ToTokens for Attribute {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.pound.to_tokens(tokens);
        self.brackets.to_tokens(tokens);
    }
}

/// A struct with named fields.
pub(crate) struct Struct {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) fields: Vec<StructField>,
}

/// A field of a struct.
pub(crate) struct StructField {
    pub(crate) attributes: Vec<Attribute>,
    visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) of: Type,
}

impl Parse for Struct {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = Attribute::parse_all(input)?;
        let visibility = input.parse()?;
        if !input.peek(Token![struct]) {
            return Err(input.error("expected a struct with named fields"));
        }
        input.parse::<Token![struct]>()?;
        let name = input.parse()?;
        no_generics(input)?;
        if !input.peek(syn::token::Brace) {
            return Err(input.error("expected a struct with named fields"));
        }
        let content;
        braced!(content in input);
        let fields = Punctuated::<StructField, Token![,]>::parse_terminated(&content)?;
        Ok(Struct { attributes, visibility, name, fields: fields.into_iter().collect() })
    }
}

impl Parse for StructField {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (attributes, visibility, name) = (Attribute::parse_all(input)?, input.parse()?, input.parse()?);
        input.parse::<Token![:]>()?;
        Ok(StructField { attributes, visibility, name, of: input.parse()? })
    }
}

impl ToTokens for Struct {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Struct { attributes, visibility, name, fields } = self;
        let fields = fields.iter().map(|StructField { attributes, visibility, name, of }| {
            quote! { #(#attributes)* #visibility #name: #of, }
        });
        tokens.extend(quote! {
            #(#attributes)*
            #[non_exhaustive]
            #visibility struct #name { #(#fields)* }
        });
    }
}

fn no_generics(input: ParseStream<'_>) -> syn::Result<()> {
    match input.peek(Token![<]) || input.peek(Token![where]) {
        true => Err(input.error("generic parameters are not supported")),
        false => Ok(()),
    }
}

/// An enum whose variants have one unnamed value or none.
pub(crate) struct Enum {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) variants: Vec<Variant>,
}

/// A variant of an enum.
pub(crate) struct Variant {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) of: Option<Type>,
}

impl Parse for Enum {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = Attribute::parse_all(input)?;
        let visibility = input.parse()?;
        if !input.peek(Token![enum]) {
            return Err(input.error("expected an enum"));
        }
        input.parse::<Token![enum]>()?;
        let name = input.parse()?;
        no_generics(input)?;
        let content;
        braced!(content in input);
        let variants = Punctuated::<Variant, Token![,]>::parse_terminated(&content)?;
        Ok(Enum { attributes, visibility, name, variants: variants.into_iter().collect() })
    }
}

impl Variant {
    /// Rejects the name of the variant that an attribute adds.
    pub(crate) fn not_other(&self) -> syn::Result<()> {
        match self.name == "Other" {
            true => Err(syn::Error::new(
                self.name.span(),
                "the variant `Other` is added by the attribute: choose another name",
            )),
            false => Ok(()),
        }
    }
}

impl Parse for Variant {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (attributes, name) = (Attribute::parse_all(input)?, input.parse()?);
        let of = match input.peek(syn::token::Paren) {
            true => {
                let content;
                parenthesized!(content in input);
                Some(content.parse()?)
            }
            false => None,
        };
        Ok(Variant { attributes, name, of })
    }
}

/// A type, as its tokens.
#[derive(Clone)]
pub(crate) struct Type {
    tokens: Vec<TokenTree>,
    /// Index of the path's last segment: that of `Option` in `::core::option::Option<T>`.
    last: usize,
    /// Name of the last segment.
    name: String,
}

impl Parse for Type {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut tokens = Vec::new();
        let mut depth = 0_usize;
        while !input.is_empty() && (depth > 0 || !input.peek(Token![,])) {
            let token: TokenTree = input.parse()?;
            if let TokenTree::Punct(punct) = &token {
                match punct.as_char() {
                    '<' => depth += 1,
                    '>' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            tokens.push(token);
        }
        if tokens.is_empty() { Err(input.error("expected a type")) } else { Ok(Type::new(tokens)) }
    }
}

impl Type {
    fn new(tokens: Vec<TokenTree>) -> Self {
        let is = |index: usize, expected: char| matches!(tokens.get(index), Some(TokenTree::Punct(punct)) if punct.as_char() == expected);
        let mut last = if is(0, ':') { 2 } else { 0 };
        while is(last + 1, ':') && is(last + 2, ':') && !is(last + 3, '<') {
            last += 3;
        }
        let name = match tokens.get(last) {
            Some(TokenTree::Ident(ident)) => ident.to_string(),
            _ => String::new(),
        };
        Type { last: last.min(tokens.len().saturating_sub(1)), tokens, name }
    }

    /// Returns true if the type has one of these names, with any path.
    pub(crate) fn is_named(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    /// Returns the `T` of `NAME<T>`, where `NAME` may have any path.
    pub(crate) fn argument(&self, name: &str) -> Option<Type> {
        if self.name != name {
            return None;
        }
        match &self.tokens[self.last + 1..] {
            [TokenTree::Punct(open), argument @ .., TokenTree::Punct(close)]
                if open.as_char() == '<' && close.as_char() == '>' && !argument.is_empty() =>
            {
                Some(Type::new(argument.to_vec()))
            }
            _ => None,
        }
    }

    /// Returns the type of the value inside any `Option`, `Nullable` and `Box`.
    pub(crate) fn value(&self) -> Type {
        let inner = ["Option", "Nullable", "Box"].iter().find_map(|name| self.argument(name));
        inner.map_or_else(|| self.clone(), |inner| inner.value())
    }

    /// Returns the type of the items of a `Vec`, or of the values of a `BTreeMap`.
    pub(crate) fn item(&self) -> Option<Type> {
        self.argument("Vec").or_else(|| {
            let arguments = self.argument("BTreeMap")?.tokens;
            let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
            let comma = arguments.iter().position(is_comma)?;
            Some(&arguments[comma + 1..]).filter(|value| !value.is_empty()).map(|value| Type::new(value.to_vec()))
        })
    }

    /// Returns the location of the type, for what an attribute adds about it.
    pub(crate) fn span(&self) -> Span {
        self.tokens[self.last].span().resolved_at(Span::call_site())
    }

    /// Adds every identifier in the type.
    pub(crate) fn identifiers(&self, found: &mut BTreeSet<String>) {
        fn add(tokens: impl IntoIterator<Item = TokenTree>, found: &mut BTreeSet<String>) {
            for token in tokens {
                match token {
                    TokenTree::Ident(ident) => drop(found.insert(ident.to_string())),
                    TokenTree::Group(group) => add(group.stream(), found),
                    _ => {}
                }
            }
        }
        add(self.tokens.iter().cloned(), found);
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_token_stream().to_string().replace(' ', ""))
    }
}

impl ToTokens for Type {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.tokens.iter().cloned());
    }
}
