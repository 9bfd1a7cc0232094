//! Implementations for every struct: its fields as a table, and the traits that the runtime implements over it.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::LitStr;
use syn::ext::IdentExt;

use crate::arguments::{self, Owner};
use crate::item::{Attribute, Struct, Type};

/// A field of a record.
pub(crate) struct Field {
    pub(crate) name: Ident,
    /// The name in JSON.
    wire: LitStr,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) of: Type,
    /// The `T` of `Option<T>`, if the field is optional.
    pub(crate) optional: Option<Type>,
    /// True if the schema requires the field: its type is not an `Option`, or the field has the argument `required`.
    required: bool,
    /// The rules, each as tokens of a runtime `Rule`.
    rules: Vec<TokenStream>,
}

/// Removes the attributes `#[field(…)]` from a struct, and returns its fields with their arguments.
pub(crate) fn take_fields(item: &mut Struct) -> syn::Result<Vec<Field>> {
    let mut fields = Vec::with_capacity(item.fields.len());
    let mut taken = BTreeSet::new();
    for field in &mut item.fields {
        let arguments = arguments::take(&mut field.attributes, &field.of, Owner::Field)?;
        let name = field.name.clone();
        let json_name = arguments.name.as_ref().map_or_else(|| name.unraw().to_string(), LitStr::value);
        let wire = arguments.name.unwrap_or_else(|| LitStr::new(&json_name, name.span()));
        if taken.contains(&json_name) {
            return Err(syn::Error::new(wire.span(), format!("two fields have the name `{json_name}` in JSON")));
        }
        taken.insert(json_name);
        let optional = field.of.argument("Option");
        fields.push(Field {
            wire,
            name,
            docs: field.attributes.iter().filter(|attribute| attribute.is("doc")).cloned().collect(),
            required: arguments.required || optional.is_none(),
            optional,
            of: field.of.clone(),
            rules: arguments.rules,
        });
    }
    Ok(fields)
}

/// Rejects rules, which are checked in inputs only.
pub(crate) fn no_rules(fields: &[Field]) -> syn::Result<()> {
    match fields.iter().find(|field| !field.rules.is_empty()) {
        Some(field) => Err(syn::Error::new(
            field.name.span(),
            "a field of an output has no rules, because outputs are not checked",
        )),
        None => Ok(()),
    }
}

/// Rejects the argument `required` of optional fields. A field of an input is required by its type.
pub(crate) fn no_required(fields: &[Field]) -> syn::Result<()> {
    match fields.iter().find(|field| field.required && field.optional.is_some()) {
        Some(field) => Err(syn::Error::new(
            field.name.span(),
            "a required field of an input has a type other than `Option`: use `Nullable` for one that may be null",
        )),
        None => Ok(()),
    }
}

/// Rejects a field whose setter would have the name of another function.
pub(crate) fn reserve(fields: &[Field], function: &str) -> syn::Result<()> {
    match fields.iter().find(|field| field.name == function) {
        Some(field) => {
            let message = format!(
                "a field cannot be named `{function}`: name it `{function}_` with `#[field(name = \"{function}\")]`"
            );
            Err(syn::Error::new(field.name.span(), message))
        }
        None => Ok(()),
    }
}

/// Returns the names of fields.
pub(crate) fn names(fields: &[Field]) -> BTreeSet<String> {
    fields.iter().map(|field| field.name.unraw().to_string()).collect()
}

/// Implements the runtime's traits for a struct, which is read in the mode `Strict` or `Lenient`. `__private` is in scope. The
/// bodies are short because they are compiled for every struct.
pub(crate) fn implementations(name: &Ident, fields: &[Field], mode: &str) -> TokenStream {
    let mode = Ident::new(mode, name.span());
    let table = fields.iter().map(|Field { wire, rules, required, .. }| {
        quote! { __private::field(#wire, #required, &[#(#rules),*]) }
    });

    // An error about a field's type points at it.
    let blanks = fields.iter().map(|Field { name, of, .. }| quote_spanned! {of.span()=> #name: __private::blank() });
    let visits = fields.iter().map(|Field { name, of, .. }| quote_spanned! {of.span()=> visitor.field(&self.#name); });
    let visits_mut =
        fields.iter().map(|Field { name, of, .. }| quote_spanned! {of.span()=> visitor.field(&mut self.#name); });
    // Without fields the visitors are not used.
    let visitor = if fields.is_empty() {
        quote! { _ }
    } else {
        quote! { visitor }
    };
    quote! {
        #[doc(hidden)]
        impl __private::Record for #name {
            const INFO: __private::RecordInfo = __private::RecordInfo { name: stringify!(#name), fields: &[#(#table),*] };

            fn blank() -> Self {
                #name { #(#blanks),* }
            }

            fn fields<'a, V: __private::Visitor<'a>>(&'a self, #visitor: &mut V) {
                #(#visits)*
            }

            fn fields_mut<'a, V: __private::VisitorMut<'a>>(&'a mut self, #visitor: &mut V) {
                #(#visits_mut)*
            }
        }

        __private::implement_record! { #name #mode }
    }
}
