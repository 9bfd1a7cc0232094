use std::any::Any;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::Deserializer;

use super::field_path::FieldPath;
use super::mode::Mode;
use super::record::FieldInfo;
use super::rules::Rule;
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;

/// A type that a field of an endpoint can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of a field",
    label = "not a type of a schema",
    note = "use `bool`, `i64`, `i128`, `f64`, `String`, `FileInput`, `Json`, a type with an attribute of fal_client, or `Vec`, \
            `BTreeMap<String, _>`, `Box`, `Option` or `Nullable` of these"
)]
pub trait SchemaType: Any + Clone + Debug + PartialEq + Serialize {
    /// The implementation for values of the type. All structs share one shape, and so do all enums and all unions, so their
    /// code is written once here instead of generated for each type.
    type Shape: Shape<Self>;
}

/// Reads, validates and searches values of a type. The meaning of null and absence is decided here and nowhere else.
pub trait Shape<T = Self> {
    /// The kind of JSON value, which distinguishes the variants of a union.
    const KIND: Kind;

    /// The fields, if the type is a struct.
    const FIELDS: Option<&'static [FieldInfo]> = None;

    /// The value for an explicit null, if null differs from an absent field.
    fn explicit_null() -> Option<T> {
        None
    }

    /// The value of a missing field, or `None` if that is an error.
    fn missing(_mode: Mode) -> Option<T> {
        None
    }

    /// The value of a field that is null. It is the value of a missing field, except for free-form values.
    fn null(mode: Mode) -> Option<T> {
        Self::missing(mode)
    }

    /// Returns true if the field is not sent.
    fn is_unset(_value: &T) -> bool {
        false
    }

    /// Reads a value.
    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<T, D::Error>;

    /// The placeholder in a record until the field is read or set. It is never sent, because the type of a builder tracks
    /// which required fields are set.
    fn blank() -> T;

    /// Reports violations of the schema, if the value belongs to an input.
    fn validate(_value: &T, _validator: &mut Validator, _rules: &'static [Rule]) {}

    /// Visits the files in the value.
    fn visit_files(_value: &mut T, _path: &mut FieldPath, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

/// Returns the placeholder of a type.
pub fn blank<T: SchemaType>() -> T {
    T::Shape::blank()
}

/// Reads a value.
pub fn read<'de, T: SchemaType, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<T, D::Error> {
    T::Shape::read(deserializer, mode)
}

/// Reports violations of the schema.
pub fn validate<T: SchemaType>(value: &T, validator: &mut Validator, rules: &'static [Rule]) {
    T::Shape::validate(value, validator, rules);
}

/// Visits the files in a value inside an input.
pub fn visit_files<T: SchemaType>(value: &mut T, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
    T::Shape::visit_files(value, path, visit);
}

/// Visits the files in an input, each with its path.
pub fn visit_files_of<T: SchemaType>(input: &mut T, visit: &mut dyn FnMut(&str, &mut FileInput)) {
    T::Shape::visit_files(input, &mut FieldPath::default(), visit);
}

/// Converts the items of a list.
pub fn collect<T>(items: impl IntoIterator<Item = impl Into<T>>) -> Vec<T> {
    items.into_iter().map(Into::into).collect()
}
