use std::any::Any;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected};
use serde_json::Value;

use super::field_path::FieldPath;
use super::mode::Mode;
use super::node::{Node, Parts};
use super::reading::{ValueVisitor, set};
use super::record::FieldInfo;
use super::rules::Rule;
use super::scalar::Scalar;
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;

/// A type that a field of an endpoint can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of a field",
    label = "not a type of a schema",
    note = "use `bool`, `i64`, `i128`, `f64`, `String`, `FileInput`, `serde_json::Value`, a type with an attribute of fal_client, or `Vec`, \
            `BTreeMap<String, _>`, `Box`, `Option` or `Nullable` of these"
)]
pub trait SchemaType: Any + Clone + Debug + PartialEq + Serialize {
    /// The implementation for values of the type. All structs share one shape, and so do all enums and all unions, so their
    /// code is written once here instead of generated for each type.
    type Shape: Shape<Self>;

    /// The types that the setter of a field takes, for messages of the compiler: the type itself, or those of a union.
    type Accepts;
}

/// The outcome of reading a value, with the value unless that was read into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<T = ()> {
    /// A value of the type.
    Value(T),
    /// Null, whose meaning depends on the place.
    Null,
    /// A value that the type cannot hold. In an input that is an error instead.
    Odd,
}

impl<T> Read<T> {
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Read::Value(value) => Read::Value(convert(value)),
            Read::Null => Read::Null,
            Read::Odd => Read::Odd,
        }
    }
}

/// Reads, validates and searches values of a type. The meaning of null, of absence and of a value with another type is
/// decided here and nowhere else.
///
/// In an output, a value with another type is converted where nothing is lost. Otherwise it counts as null, but is noted in
/// the report of the output. The table for users is in `docs/guide/calls.md`.
pub trait Shape<T = Self> {
    /// The kind of JSON value, which distinguishes the variants of a union.
    const KIND: Kind;

    /// The fields, if the type is a struct.
    const FIELDS: Option<&'static [FieldInfo]> = None;

    /// True for objects with declared fields, such as media, and for containers of them: an output is about these.
    const HAS_OBJECTS: bool = false;

    /// False for types that contain no files.
    const HAS_FILES: bool = true;

    /// The name of the type in errors.
    const EXPECTED: &'static str;

    /// The value for an explicit null, if null differs from an absent field.
    fn explicit_null() -> Option<T> {
        None
    }

    /// The value of a missing field, or `None` if the type has no empty value.
    fn missing(_mode: Mode) -> Option<T> {
        None
    }

    /// The value of a field that is null. It is the value of a missing field, except for free-form values.
    fn null(mode: Mode) -> Option<T> {
        Self::missing(mode)
    }

    /// The value of a missing field of an output whose other fields are worth keeping.
    fn hollow() -> Option<T> {
        Self::missing(Mode::Lenient)
    }

    /// The value in an array of an output that keeps the position of a null or of a value with another type.
    fn gap() -> Option<T> {
        Self::null(Mode::Lenient)
    }

    /// Returns true if the field is not sent.
    fn is_unset(_value: &T) -> bool {
        false
    }

    /// Reads a value into a place that has the [`blank`](Self::blank) one. The place has no meaning if there was no value.
    fn read<'de, D: Deserializer<'de>>(place: &mut T, deserializer: D, mode: Mode) -> Result<Read, D::Error> {
        deserializer.deserialize_any(ValueVisitor::<T, Self>::new(place, mode))
    }

    /// Reads an array.
    fn from_array<'de, A: SeqAccess<'de>>(place: &mut T, items: A, mode: Mode) -> Result<Read, A::Error> {
        let array = Value::deserialize(SeqAccessDeserializer::new(items))?;
        set::<T, Self, _>(place, &Scalar::Compound(array), mode)
    }

    /// Reads an object.
    fn from_object<'de, A: MapAccess<'de>>(place: &mut T, object: A, mode: Mode) -> Result<Read, A::Error> {
        let object = Value::deserialize(MapAccessDeserializer::new(object))?;
        set::<T, Self, _>(place, &Scalar::Compound(object), mode)
    }

    /// Converts a value that is neither null nor, unless the type is a string, compound.
    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<T>;

    /// The placeholder in a record until the field is read or set. It is never sent, because the type of a builder tracks
    /// which required fields are set.
    fn blank() -> T;

    /// Reports violations of the schema, if the value belongs to an input.
    fn validate(_value: &T, _validator: &mut Validator, _rules: &'static [Rule]) {}

    /// Returns the value as its parts. Only values that can contain the file of an output have any.
    fn node(_value: &T) -> Node<'_> {
        Node(Parts::Other)
    }

    /// Visits the files in the value.
    fn visit_files(_value: &mut T, _path: &mut FieldPath, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

/// Reads a value that no place waits for.
pub(super) fn read_new<'de, T: SchemaType, D: Deserializer<'de>>(
    deserializer: D,
    mode: Mode,
) -> Result<Read<T>, D::Error> {
    let mut value = T::Shape::blank();
    Ok(T::Shape::read(&mut value, deserializer, mode)?.map(|()| value))
}

/// Reads a value outside of any object of the runtime.
pub(super) fn read_outermost<'de, T: SchemaType, D: Deserializer<'de>>(
    deserializer: D,
    mode: Mode,
) -> Result<T, D::Error> {
    let unexpected = match read_new(deserializer, mode)? {
        Read::Value(value) => return Ok(value),
        Read::Null => "null",
        Read::Odd => "a value of another type",
    };
    Err(D::Error::invalid_type(Unexpected::Other(unexpected), &T::Shape::EXPECTED))
}

/// Returns the placeholder of a type.
pub fn blank<T: SchemaType>() -> T {
    T::Shape::blank()
}

/// Reads the value of a union's variant.
pub fn read_member<'de, T: SchemaType, U, D: Deserializer<'de>>(
    deserializer: D,
    mode: Mode,
    variant: impl FnOnce(T) -> U,
) -> Result<Read<U>, D::Error> {
    Ok(read_new(deserializer, mode.inner())?.map(variant))
}

/// Reports violations of the schema.
pub fn validate<T: SchemaType>(value: &T, validator: &mut Validator, rules: &'static [Rule]) {
    T::Shape::validate(value, validator, rules);
}

/// Returns a value as its parts.
pub fn node<T: SchemaType>(value: &T) -> Node<'_> {
    T::Shape::node(value)
}

/// Visits the files in a value inside an input.
pub fn visit_files<T: SchemaType>(value: &mut T, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
    T::Shape::visit_files(value, path, visit);
}

/// Visits the files in an input, each with its path.
pub fn visit_files_of<T: SchemaType>(input: &mut T, visit: &mut dyn FnMut(&str, &mut FileInput)) {
    T::Shape::visit_files(input, &mut FieldPath::default(), visit);
}
