use std::collections::BTreeMap;

use serde_json::Value;

use super::validate::{Number, Rule, Validator};
use super::wire::Wire;
use crate::{FileInput, LocSegment};

/// The path to the field that is being visited, written as `loras[0].path`.
#[derive(Debug, Default)]
pub struct FieldPath(String);

impl FieldPath {
    /// Visits the files of an object's field.
    pub fn visit(&mut self, name: &str, value: &mut impl Part, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        let length = self.0.len();
        if length > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        value.files_mut(self, visit);
        self.0.truncate(length);
    }

    fn visit_item(&mut self, index: usize, value: &mut impl Part, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        let length = self.0.len();
        self.0.push_str(&format!("[{index}]"));
        value.files_mut(self, visit);
        self.0.truncate(length);
    }
}

/// A value inside a generated type.
pub trait Part: Wire {
    /// What stands in a record for a field until it is read or set. It is never sent: the builder's type says which fields
    /// are set.
    fn blank() -> Self;

    /// Reports what the schema does not allow, if it is of an input.
    fn validate(&self, _at: &mut Validator, _rules: &'static [Rule]) {}

    /// Shows the files in it.
    fn files_mut(&mut self, _at: &mut FieldPath, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

impl<T: Part> Part for Option<T> {
    fn blank() -> Self {
        None
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        if let Some(value) = self {
            value.validate(at, rules);
        }
    }

    fn files_mut(&mut self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        if let Some(value) = self {
            value.files_mut(at, visit);
        }
    }
}

impl<T: Part> Part for Box<T> {
    fn blank() -> Self {
        Box::new(T::blank())
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        T::validate(self, at, rules);
    }

    fn files_mut(&mut self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        T::files_mut(self, at, visit);
    }
}

/// The rules for the items inside a list's or map's rules.
fn item_rules(rules: &'static [Rule]) -> &'static [Rule] {
    rules.iter().find_map(|rule| if let Rule::Items(rules) = rule { Some(*rules) } else { None }).unwrap_or(&[])
}

impl<T: Part> Part for Vec<T> {
    fn blank() -> Self {
        Vec::new()
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        at.list(self, rules);
        for (index, item) in self.iter().enumerate() {
            at.step(LocSegment::Index(index as u64), item, item_rules(rules));
        }
    }

    fn files_mut(&mut self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (index, item) in self.iter_mut().enumerate() {
            at.visit_item(index, item, visit);
        }
    }
}

impl<T: Part> Part for BTreeMap<String, T> {
    fn blank() -> Self {
        BTreeMap::new()
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        for (key, value) in self {
            at.field(key, value, item_rules(rules));
        }
    }

    fn files_mut(&mut self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (key, value) in self {
            at.visit(key, value, visit);
        }
    }
}

impl Part for String {
    fn blank() -> Self {
        String::new()
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        at.text(self, rules);
    }
}

impl Part for bool {
    fn blank() -> Self {
        false
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        at.truth(*self, rules);
    }
}

impl Part for i64 {
    fn blank() -> Self {
        0
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        at.number(Number::Int(i128::from(*self)), rules);
    }
}

impl Part for i128 {
    fn blank() -> Self {
        0
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        at.number(Number::Int(*self), rules);
    }
}

impl Part for f64 {
    fn blank() -> Self {
        0.0
    }

    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        at.number(Number::Float(*self), rules);
    }
}

/// A free-form value is taken as it is.
impl Part for Value {
    fn blank() -> Self {
        Value::Null
    }
}

impl Part for FileInput {
    fn blank() -> Self {
        FileInput::url("")
    }

    /// Rules are about the URL of a file; bytes and paths get theirs later.
    fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
        at.file(self);
        if let Some(url) = self.as_url().filter(|url| !url.starts_with("data:")) {
            at.text(url, rules);
        }
    }

    fn files_mut(&mut self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        visit(&at.0, self);
    }
}

/// Declares a record of an input, whose fields have rules and setters:
///
/// ```text
/// input_record! {
///     pub struct LoraWeight {
///         #[rules(Minimum(Int(0)), Maximum(Int(4)))]
///         #[set(maybe_scale: f64)]
///         pub scale: Option<f64>,
///     }
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __input_record {
    (
        $(#[doc = $doc:expr])*
        pub struct $record:ident {
            $(
                $(#[doc = $field_doc:expr])*
                $(#[name = $name:literal])?
                $(#[rules($($rule:expr),* $(,)?)])*
                pub $field:ident: $type:ty
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #[non_exhaustive]
        pub struct $record {
            $($(#[doc = $field_doc])* pub $field: $type,)*
        }

        $crate::__record! { Strict $record { $($field $(= $name)? [$($($rule),*),*]),* } }
        $crate::__part! { $record { $($field),* } }

    };
}

/// Declares a record inside an input, with chained setters for its optional fields.
#[doc(hidden)]
#[macro_export]
macro_rules! __input_part {
    (
        $(#[doc = $doc:expr])*
        pub struct $record:ident {
            $(
                $(#[doc = $field_doc:expr])*
                $(#[name = $name:literal])?
                $(#[rules($($rule:tt)*)])*
                $(#[set($($set:tt)*)])?
                $(#[null($null:ident)])?
                pub $field:ident: $type:ty
            ),* $(,)?
        }
    ) => {
        $crate::__input_record! {
            $(#[doc = $doc])*
            pub struct $record {
                $($(#[doc = $field_doc])* $(#[name = $name])? $(#[rules($($rule)*)])* pub $field: $type),*
            }
        }

        impl $record {
            $($crate::__setter! { [] [$($field_doc)*] $field [$(null $null)? $($($set)*)?] })*
        }
    };
}

/// Sets an optional field.
pub fn set<T>(place: &mut Option<T>, value: impl Into<T>) {
    *place = Some(value.into());
}
