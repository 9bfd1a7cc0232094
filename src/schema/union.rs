use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Expected};
use serde_json::{Map, Value};

use super::field_path::FieldPath;
use super::mode::Mode;
use super::node::{Node, Parts};
use super::record::FieldInfo;
use super::report;
use super::rules::Rule;
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape, read_new};
use super::validator::Validator;
use crate::files::FileInput;

/// A value of one of several variants, distinguished by their JSON kind or, among objects, by their keys.
///
/// The matching variant reads the value, so an error inside it names the path.
pub trait Union: SchemaType {
    /// The variants, in order. Only the kind `Object` may occur more than once.
    const MEMBERS: &'static [Member];

    /// Reads a value as the variant at an index.
    fn read_member<'de, D: Deserializer<'de>>(index: usize, value: D, mode: Mode) -> Result<Read<Self>, D::Error>;

    /// Keeps a value that matches no variant, in an output.
    fn other(_value: Value) -> Option<Self> {
        None
    }

    /// Returns the placeholder until a value is read or set.
    fn blank() -> Self;

    /// Reports violations of the variant's schema, if the union belongs to an input.
    fn validate(&self, _validator: &mut Validator) {}

    /// Returns the variant's value as its parts, if the union belongs to an output.
    fn node(&self) -> Node<'_> {
        Node(Parts::Other)
    }

    /// Visits the files in the value.
    fn visit_files(&mut self, _path: &mut FieldPath, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

/// The error of [`Union::read_member`] for an index out of range.
pub fn no_such_member<U, E: Error>() -> Result<U, E> {
    Err(E::custom("no such variant"))
}

/// The shape of all unions.
#[derive(Debug)]
pub enum UnionShape {}

impl<U: Union> Shape<U> for UnionShape {
    const KIND: Kind = Kind::Any;
    const HAS_OBJECTS: bool = has_objects(U::MEMBERS);
    const EXPECTED: &'static str = "a value of a union";

    fn null(mode: Mode) -> Option<U> {
        if mode.is_strict() { None } else { U::other(Value::Null) }
    }

    fn read<'de, D: Deserializer<'de>>(place: &mut U, deserializer: D, mode: Mode) -> Result<Read, D::Error> {
        // The keys that distinguish the variants may come last, so the whole value is read first.
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Read::Null),
            value => Ok(choose(value, mode).map_err(D::Error::custom)?.map(|read| *place = read)),
        }
    }

    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<U> {
        match choose(scalar.to_json(), mode) {
            Ok(Read::Value(value)) => Some(value),
            _ => None,
        }
    }

    fn blank() -> U {
        U::blank()
    }

    fn validate(value: &U, validator: &mut Validator, _rules: &'static [Rule]) {
        value.validate(validator);
    }

    fn node(value: &U) -> Node<'_> {
        value.node()
    }

    fn visit_files(value: &mut U, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        value.visit_files(path, visit);
    }
}

/// Kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Strings of an enum, with declared values only.
    DeclaredString,
    /// Any string.
    String,
    /// Numbers.
    Number,
    /// Booleans.
    Boolean,
    /// Arrays.
    Array,
    /// Objects.
    Object,
    /// Values of several kinds: a union.
    Any,
}

/// Maximum number of optional keys that a message names.
const MAX_SHOWN: usize = 4;

/// A variant of a union, with the properties that distinguish it from the others.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    kind: Kind,
    /// The declared fields; `None` if the variant accepts any.
    fields: Option<&'static [FieldInfo]>,
    /// The keys that an object must have.
    requires: &'static [&'static str],
    /// Keys, each with its possible values.
    tags: &'static [(&'static str, &'static [&'static str])],
}

/// Describes a variant of type `T`.
pub const fn member<T: SchemaType>(
    requires: &'static [&'static str],
    tags: &'static [(&'static str, &'static [&'static str])],
) -> Member {
    Member { kind: T::Shape::KIND, fields: T::Shape::FIELDS, requires, tags }
}

/// Describes the variant for error messages.
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::DeclaredString => "a declared string",
            Kind::String => "a string",
            Kind::Number => "a number",
            Kind::Boolean => "a boolean",
            Kind::Array => "an array",
            Kind::Object => "an object",
            Kind::Any => "a value",
        })?;
        // The required keys, or if there are none, all keys unless they are many.
        let fields = self.fields.filter(|fields| self.requires.is_empty() && fields.len() <= MAX_SHOWN);
        let fields = fields.into_iter().flatten().map(|field| field.name);
        let mut keys = self.requires.iter().copied().chain(fields).enumerate();
        keys.try_for_each(|(index, key)| write!(f, "{} `{key}`", if index == 0 { " with" } else { "," }))
    }
}

impl Member {
    /// Rates how well an object matches; the smallest rating matches best. In order of weight, it counts tags with another
    /// value, missing required keys, undeclared keys of a variant with declared fields, and undeclared keys of any variant.
    fn mismatch(&self, object: &Map<String, Value>) -> (usize, usize, usize, usize) {
        let wrong = |(key, values): &&(&str, &[&str])| {
            object.get(*key).and_then(Value::as_str).is_some_and(|value| !values.contains(&value))
        };
        let declares = |key: &&String| self.fields.is_some_and(|fields| fields.iter().any(|field| field.name == **key));
        let known = object.keys().filter(declares).count();
        (
            self.tags.iter().filter(wrong).count(),
            self.requires.iter().filter(|key| object.get(**key).is_none_or(Value::is_null)).count(),
            if self.fields.is_some() { object.len() - known } else { 0 },
            object.len() - known,
        )
    }
}

const fn has_objects(mut members: &[Member]) -> bool {
    while let [first, rest @ ..] = members {
        if first.fields.is_some() {
            return true;
        }
        members = rest;
    }
    false
}

/// Reads a union that nothing contains, from any self-describing format.
pub fn read_union<'de, U: Union, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<U, D::Error> {
    match read_new(deserializer, mode)? {
        Read::Value(value) => Ok(value),
        _ => <UnionShape as Shape<U>>::null(mode).ok_or_else(|| mismatch::<U, _>(&Value::Null)),
    }
}

/// Reads a value as the variant that matches it. An output keeps a value that matches no variant.
fn choose<U: Union>(value: Value, mode: Mode) -> Result<Read<U>, serde_json::Error> {
    let members = || U::MEMBERS.iter().enumerate();
    let of_kind = |kinds: &[Kind]| members().find(|(_, member)| kinds.contains(&member.kind)).map(|(index, _)| index);
    let index = match &value {
        Value::Null => None,
        Value::String(_) => of_kind(&[Kind::DeclaredString, Kind::String]),
        Value::Bool(_) => of_kind(&[Kind::Boolean]),
        Value::Number(_) => of_kind(&[Kind::Number]),
        Value::Array(_) => of_kind(&[Kind::Array]),
        Value::Object(object) => {
            let objects = members().filter(|(_, member)| member.kind == Kind::Object);
            objects.min_by_key(|(_, member)| member.mismatch(object)).map(|(index, _)| index)
        }
    };
    // A variant with arbitrary keys accepts objects that no other variant accepts.
    let any_keys = members().find(|(_, member)| member.kind == Kind::Object && member.fields.is_none());
    let any_keys = any_keys.map(|(index, _)| index).filter(|_| value.is_object());
    let before = report::mark();
    for index in index.into_iter().chain(any_keys) {
        if let Ok(Read::Value(read)) = U::read_member(index, &value, mode) {
            return Ok(Read::Value(read));
        }
        report::forget(before);
    }
    match (index, mode) {
        (None, Mode::Strict) => Err(mismatch::<U, _>(&value)),
        (Some(index), Mode::Strict) => Err(located::<U>(index, &value)),
        _ => Ok(U::other(value).map_or(Read::Odd, Read::Value)),
    }
}

/// Returns the error of reading a variant, with the path inside an object.
fn located<U: Union>(index: usize, value: &Value) -> serde_json::Error {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
    match U::read_member(index, tracked, Mode::Strict) {
        Err(error) if value.is_object() => serde_json::Error::custom(format_args!("{}: {error}", track.path())),
        Err(error) => error,
        Ok(_) => mismatch::<U, _>(value),
    }
}

/// Returns the error about a value that no variant has.
fn mismatch<U: Union, E: Error>(value: &Value) -> E {
    let scalar = Scalar::deserialize(value).unwrap_or(Scalar::Null);
    E::invalid_type(scalar.unexpected(), &Variants(U::MEMBERS))
}

/// The variants in an error.
struct Variants(&'static [Member]);

impl Expected for Variants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, member) in self.0.iter().enumerate() {
            f.write_str(match index {
                0 => "",
                _ if index + 1 == self.0.len() => " or ",
                _ => ", ",
            })?;
            write!(f, "{member}")?;
        }
        Ok(())
    }
}
