use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::{Map, Value};

use super::field_path::FieldPath;
use super::mode::Mode;
use super::record::FieldInfo;
use super::rules::Rule;
use super::shape::{SchemaType, Shape};
use super::validator::Validator;
use crate::files::FileInput;

/// A value of one of several variants, distinguished by their JSON kind or, among objects, by their keys.
///
/// The matching variant reads the value, so an error inside it names the path.
pub trait Union: SchemaType {
    /// The variants, in order. Only the kind `Object` may occur more than once.
    const MEMBERS: &'static [Member];

    /// Reads a value as the variant at an index.
    fn read_member<'de, D: Deserializer<'de>>(index: usize, value: D, mode: Mode) -> Result<Self, D::Error>;

    /// Keeps a value that matches no variant, in an output.
    fn other(_value: Value) -> Option<Self> {
        None
    }

    /// Returns the placeholder until a value is read or set.
    fn blank() -> Self;

    /// Reports violations of the variant's schema, if the union belongs to an input.
    fn validate(&self, _validator: &mut Validator) {}

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

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<U, D::Error> {
        read_union(deserializer, mode)
    }

    fn blank() -> U {
        U::blank()
    }

    fn validate(value: &U, validator: &mut Validator, _rules: &'static [Rule]) {
        value.validate(validator);
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
    fn is_object(&self) -> bool {
        self.kind == Kind::Object
    }

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

/// Reads a union from any self-describing format.
pub fn read_union<'de, U: Union, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<U, D::Error> {
    deserializer.deserialize_any(UnionVisitor { mode, of: PhantomData })
}

struct UnionVisitor<U> {
    mode: Mode,
    of: PhantomData<U>,
}

impl<U: Union> UnionVisitor<U> {
    fn index(&self, kinds: &[Kind]) -> Option<usize> {
        U::MEMBERS.iter().position(|member| kinds.contains(&member.kind))
    }

    /// Reads a value as the variant of its kind. `other` describes the value in the error if no variant has that kind.
    fn read<'de, D: Deserializer<'de>>(self, kind: &[Kind], value: D, other: Unexpected<'_>) -> Result<U, D::Error> {
        let Some(index) = self.index(kind) else {
            // An output keeps the value; an input rejects it unread.
            if self.mode == Mode::Strict {
                return Err(D::Error::invalid_type(other, &self));
            }
            let value = Value::deserialize(value)?;
            return U::other(value).ok_or_else(|| D::Error::invalid_type(other, &self));
        };
        U::read_member(index, value, self.mode)
    }
}

impl<'de, U: Union> Visitor<'de> for UnionVisitor<U> {
    type Value = U;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, member) in U::MEMBERS.iter().enumerate() {
            f.write_str(match index {
                0 => "",
                _ if index + 1 == U::MEMBERS.len() => " or ",
                _ => ", ",
            })?;
            write!(f, "{member}")?;
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<U, E> {
        self.read(&[Kind::DeclaredString, Kind::String], StrDeserializer::new(value), Unexpected::Str(value))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<U, E> {
        self.read(&[Kind::Boolean], value.into_deserializer(), Unexpected::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<U, E> {
        self.read(&[Kind::Number], value.into_deserializer(), Unexpected::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<U, E> {
        self.read(&[Kind::Number], value.into_deserializer(), Unexpected::Unsigned(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<U, E> {
        self.read(&[Kind::Number], value.into_deserializer(), Unexpected::Float(value))
    }

    fn visit_unit<E: Error>(self) -> Result<U, E> {
        self.read(&[], ().into_deserializer(), Unexpected::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<U, A::Error> {
        self.read(&[Kind::Array], SeqAccessDeserializer::new(items), Unexpected::Seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<U, A::Error> {
        let objects = || U::MEMBERS.iter().enumerate().filter(|(_, member)| member.is_object());
        let deserializer = MapAccessDeserializer::new(map);
        if objects().count() < 2 {
            return self.read(&[Kind::Object], deserializer, Unexpected::Map);
        }
        // The keys that distinguish the variants may come last, so the whole object is read first.
        let object = Map::deserialize(deserializer)?;
        let index = objects().min_by_key(|(_, member)| member.mismatch(&object)).map_or(0, |(index, _)| index);
        let object = Value::Object(object);
        let read = |index| U::read_member(index, &object, self.mode);
        // A variant with arbitrary keys accepts objects that no other variant accepts.
        let any_keys = objects().find(|(_, member)| member.fields.is_none());
        read(index).or_else(|error| any_keys.map_or(Err(error), |(index, _)| read(index))).map_err(|_| {
            // Read again to locate the error inside the object.
            let mut track = serde_path_to_error::Track::new();
            let tracked = serde_path_to_error::Deserializer::new(&object, &mut track);
            match U::read_member(index, tracked, self.mode) {
                Err(error) => A::Error::custom(format_args!("{}: {error}", track.path())),
                Ok(_) => A::Error::invalid_type(Unexpected::Map, &self),
            }
        })
    }
}
