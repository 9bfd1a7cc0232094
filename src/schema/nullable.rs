use serde::de::Deserializer;
use serde::{Serialize, Serializer};

use super::field_path::FieldPath;
use super::mode::Mode;
use super::node::{Node, Parts};
use super::rules::Rule;
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape, read_new};
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;

/// A field's value where an explicit null differs from leaving the field unset, or where the field is required.
///
/// ```
/// use fal_client::Nullable;
///
/// let unset: Option<Nullable<i64>> = None; // the service uses its default
/// let null = Some(Nullable::<i64>::Null); // `null` is sent
/// let five = Some(Nullable::Value(5));
/// # let _ = (unset, null, five);
/// ```
///
/// Builders have a setter for each: `duration(5)` and `null_duration()`. A required field that may be null is a
/// `Nullable<T>` without an `Option`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nullable<T> {
    /// An explicit null.
    Null,
    /// A value.
    Value(T),
}

impl<T> Nullable<T> {
    /// Returns the value, or `None` for null.
    pub fn value(&self) -> Option<&T> {
        match self {
            Nullable::Null => None,
            Nullable::Value(value) => Some(value),
        }
    }
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Nullable::Value(value)
    }
}

impl<T: Serialize> Serialize for Nullable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<T: SchemaType> SchemaType for Nullable<T> {
    type Shape = Self;
    type Accepts = Self;
}

impl<T: SchemaType> Shape for Nullable<T> {
    const KIND: Kind = T::Shape::KIND;
    const HAS_OBJECTS: bool = T::Shape::HAS_OBJECTS;
    const HAS_FILES: bool = T::Shape::HAS_FILES;
    const EXPECTED: &'static str = T::Shape::EXPECTED;

    fn explicit_null() -> Option<Self> {
        Some(Nullable::Null)
    }

    /// An object that the input has too may be in an output, which may lack the field.
    fn missing(mode: Mode) -> Option<Self> {
        (!mode.is_strict()).then_some(Nullable::Null)
    }

    fn null(_mode: Mode) -> Option<Self> {
        Some(Nullable::Null)
    }

    fn read<'de, D: Deserializer<'de>>(place: &mut Self, deserializer: D, mode: Mode) -> Result<Read, D::Error> {
        Ok(read_new(deserializer, mode)?.map(|value| *place = Nullable::Value(value)))
    }

    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
        T::Shape::from_scalar(scalar, mode).map(Nullable::Value)
    }

    fn blank() -> Self {
        Nullable::Null
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        if let Nullable::Value(value) = value {
            T::Shape::validate(value, validator, rules);
        }
    }

    fn node(value: &Self) -> Node<'_> {
        value.value().map_or(Node(Parts::Null), T::Shape::node)
    }

    fn visit_files(value: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        if let Nullable::Value(value) = value {
            T::Shape::visit_files(value, path, visit);
        }
    }
}
