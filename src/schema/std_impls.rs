use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::Value;

use super::any_field::AnyField;
use super::field_path::FieldPath;
use super::mode::Mode;
use super::node::{Node, Parts};
use super::record::FieldInfo;
use super::rules::{Number, Rule};
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape};
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;

impl<T: SchemaType> SchemaType for Option<T> {
    type Shape = Self;
    type Accepts = Self;
}

impl<T: SchemaType> Shape for Option<T> {
    const KIND: Kind = T::Shape::KIND;
    const FIELDS: Option<&'static [FieldInfo]> = T::Shape::FIELDS;
    const HAS_OBJECTS: bool = T::Shape::HAS_OBJECTS;
    const HAS_FILES: bool = T::Shape::HAS_FILES;
    const EXPECTED: &'static str = T::Shape::EXPECTED;

    fn missing(_mode: Mode) -> Option<Self> {
        Some(None)
    }

    fn null(_mode: Mode) -> Option<Self> {
        Some(T::Shape::explicit_null())
    }

    fn is_unset(value: &Self) -> bool {
        value.is_none()
    }

    fn read<'de, D: Deserializer<'de>>(place: &mut Self, deserializer: D, mode: Mode) -> Result<Read, D::Error> {
        T::Shape::read(place.insert(T::Shape::blank()), deserializer, mode)
    }

    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
        T::Shape::from_scalar(scalar, mode).map(Some)
    }

    fn blank() -> Self {
        None
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        match value {
            Some(value) => T::Shape::validate(value, validator, rules),
            None => validator.absent(rules),
        }
    }

    fn node(value: &Self) -> Node<'_> {
        value.as_ref().map_or(Node(Parts::Null), T::Shape::node)
    }

    fn visit_files(value: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        if let Some(value) = value {
            T::Shape::visit_files(value, path, visit);
        }
    }
}

impl<T: SchemaType> SchemaType for Box<T> {
    type Shape = Self;
    type Accepts = Self;
}

impl<T: SchemaType> Shape for Box<T> {
    const KIND: Kind = T::Shape::KIND;
    const FIELDS: Option<&'static [FieldInfo]> = T::Shape::FIELDS;
    const HAS_OBJECTS: bool = T::Shape::HAS_OBJECTS;
    const HAS_FILES: bool = T::Shape::HAS_FILES;
    const EXPECTED: &'static str = T::Shape::EXPECTED;

    fn missing(mode: Mode) -> Option<Self> {
        T::Shape::missing(mode).map(Box::new)
    }

    fn null(mode: Mode) -> Option<Self> {
        T::Shape::null(mode).map(Box::new)
    }

    fn hollow() -> Option<Self> {
        T::Shape::hollow().map(Box::new)
    }

    fn gap() -> Option<Self> {
        T::Shape::gap().map(Box::new)
    }

    fn read<'de, D: Deserializer<'de>>(place: &mut Self, deserializer: D, mode: Mode) -> Result<Read, D::Error> {
        T::Shape::read(place, deserializer, mode)
    }

    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
        T::Shape::from_scalar(scalar, mode).map(Box::new)
    }

    fn blank() -> Self {
        Box::new(T::Shape::blank())
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        T::Shape::validate(value, validator, rules);
    }

    fn node(value: &Self) -> Node<'_> {
        T::Shape::node(value)
    }

    fn visit_files(value: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        T::Shape::visit_files(value, path, visit);
    }
}

impl SchemaType for String {
    type Shape = Self;
    type Accepts = Self;
}

impl Shape for String {
    const KIND: Kind = Kind::String;
    const HAS_FILES: bool = false;
    const EXPECTED: &'static str = "a string";

    fn missing(mode: Mode) -> Option<Self> {
        (!mode.is_strict()).then(String::new)
    }

    #[inline]
    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
        scalar.text(mode).map(Cow::into_owned)
    }

    fn blank() -> Self {
        String::new()
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.string(value, rules);
    }

    fn node(value: &Self) -> Node<'_> {
        Node(Parts::Text(value))
    }
}

impl SchemaType for bool {
    type Shape = Self;
    type Accepts = Self;
}

impl Shape for bool {
    const KIND: Kind = Kind::Boolean;
    const HAS_FILES: bool = false;
    const EXPECTED: &'static str = "a boolean";

    #[inline]
    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
        scalar.boolean(mode)
    }

    fn blank() -> Self {
        false
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.boolean(*value, rules);
    }

    fn node(value: &Self) -> Node<'_> {
        Node(Parts::Bool(*value))
    }
}

impl SchemaType for f64 {
    type Shape = Self;
    type Accepts = Self;
}

impl Shape for f64 {
    const KIND: Kind = Kind::Number;
    const HAS_FILES: bool = false;
    const EXPECTED: &'static str = "a number";

    /// Not a number keeps the position, which matters in coordinates and embeddings.
    fn gap() -> Option<Self> {
        Some(f64::NAN)
    }

    #[inline]
    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
        scalar.number(mode)
    }

    fn blank() -> Self {
        0.0
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.number(Number::Float(*value), rules);
    }
}

impl SchemaType for Value {
    type Shape = Self;
    type Accepts = Self;
}

/// A free-form value is kept as it is, nulls included.
impl Shape for Value {
    const KIND: Kind = Kind::Object;
    const HAS_FILES: bool = false;
    const EXPECTED: &'static str = "a value";

    fn missing(mode: Mode) -> Option<Self> {
        (!mode.is_strict()).then_some(Value::Null)
    }

    fn null(_mode: Mode) -> Option<Self> {
        Some(Value::Null)
    }

    fn read<'de, D: Deserializer<'de>>(place: &mut Self, deserializer: D, _mode: Mode) -> Result<Read, D::Error> {
        *place = Value::deserialize(deserializer)?;
        Ok(if place.is_null() { Read::Null } else { Read::Value(()) })
    }

    fn from_scalar(scalar: &Scalar<'_>, _mode: Mode) -> Option<Self> {
        Some(scalar.to_json())
    }

    fn blank() -> Self {
        Value::Null
    }

    fn node(value: &Self) -> Node<'_> {
        Node(match value {
            Value::Null => Parts::Null,
            Value::Bool(value) => Parts::Bool(*value),
            Value::Number(number) => {
                let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                integer.map_or(Parts::Other, Parts::Integer)
            }
            Value::String(text) => Parts::Text(text),
            Value::Array(items) => {
                let items = items.iter().map(|item| item as &dyn AnyField).collect();
                Parts::List { items, has_gaps: false }
            }
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (key.as_str(), value as &dyn AnyField)).collect();
                Parts::Object { of: None, fields }
            }
        })
    }
}

/// Implements the traits for an integer.
macro_rules! integer {
    ($($integer:ident),*) => {$(
        impl SchemaType for $integer {
            type Shape = Self;
            type Accepts = Self;
        }

        impl Shape for $integer {
            const KIND: Kind = Kind::Number;
            const HAS_FILES: bool = false;
            const EXPECTED: &'static str = "an integer";

            #[inline]
            fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
                $integer::try_from(scalar.integer(mode)?).ok()
            }

            fn blank() -> Self {
                0
            }

            fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
                validator.number(Number::Int(i128::from(*value)), rules);
            }

            fn node(value: &Self) -> Node<'_> {
                Node(Parts::Integer(i128::from(*value)))
            }
        }
    )*};
}

integer!(i64, i128);
