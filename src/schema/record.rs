use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Error, IgnoredAny, MapAccess};
use serde::ser::{SerializeMap, Serializer};

use super::any_field::{
    copy_fields, debug_fields, default_missing, fields_are_equal, fields_mut_of, fields_of, validate_fields,
    visit_files,
};
use super::field_path::FieldPath;
use super::mode::Mode;
use super::rules::Rule;
use super::shape::{SchemaType, Shape};
use super::std_impls::FieldSeed;
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;

/// A struct that is a JSON object with declared fields.
///
/// It lists its fields once. How they are read, written, validated and searched for files is written here.
pub trait Record: SchemaType {
    /// The name and the fields.
    const INFO: RecordInfo;

    /// Returns a record with no fields set.
    fn blank() -> Self;

    /// Visits each field.
    fn fields<'a, V: Visitor<'a>>(&'a self, visitor: &mut V);

    /// Visits each field, which may be changed.
    fn fields_mut<'a, V: VisitorMut<'a>>(&'a mut self, visitor: &mut V);
}

/// The name and the fields of a record.
#[derive(Debug)]
pub struct RecordInfo {
    /// The type's name, for error messages.
    pub name: &'static str,
    /// The fields, in the order in which they are visited.
    pub fields: &'static [FieldInfo],
}

/// The name and the rules of a field.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    /// The name in JSON.
    pub name: &'static str,
    /// The rules, if the field belongs to an input.
    pub rules: &'static [Rule],
}

/// Describes a field.
pub const fn field(name: &'static str, rules: &'static [Rule]) -> FieldInfo {
    FieldInfo { name, rules }
}

/// A visitor of a record's fields.
pub trait Visitor<'a> {
    /// Visits the next field.
    fn field<T: SchemaType>(&mut self, value: &'a T);
}

/// A visitor of a record's fields that may change them.
pub trait VisitorMut<'a> {
    /// Visits the next field.
    fn field<T: SchemaType>(&mut self, value: &'a mut T);
}

/// The shape of all records.
#[derive(Debug)]
pub enum RecordShape {}

impl<R: Record> Shape<R> for RecordShape {
    const KIND: Kind = Kind::Object;
    const FIELDS: Option<&'static [FieldInfo]> = Some(R::INFO.fields);

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
        deserializer.deserialize_map(RecordReader { mode, of: PhantomData })
    }

    fn blank() -> R {
        R::blank()
    }

    fn validate(record: &R, validator: &mut Validator, rules: &'static [Rule]) {
        validate_fields(&R::INFO, &fields_of(record), validator, rules);
    }

    fn visit_files(record: &mut R, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        visit_files(&R::INFO, &mut fields_mut_of(record), path, visit);
    }
}

/// Reads a record from any format.
pub fn read_record<'de, R: Record, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
    RecordShape::read(deserializer, mode)
}

/// Writes the fields that are set.
pub fn write_record<R: Record, S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
    let fields = R::INFO.fields.iter();
    let mut writer = Writer { map: serializer.serialize_map(None)?, fields, result: Ok(()) };
    record.fields(&mut writer);
    writer.result?;
    writer.map.end()
}

/// Copies a record field by field.
pub fn clone_record<R: Record>(record: &R) -> R {
    let mut copy = R::blank();
    copy_fields(&mut fields_mut_of(&mut copy), &fields_of(record));
    copy
}

/// Returns true if all fields are equal.
pub fn records_are_equal<R: Record>(record: &R, other: &R) -> bool {
    fields_are_equal(&fields_of(record), &fields_of(other))
}

/// Formats the fields of a record by their names in JSON.
pub fn debug_record<R: Record>(record: &R, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    debug_fields(&R::INFO, &fields_of(record), f)
}

struct Writer<M: SerializeMap> {
    map: M,
    /// The remaining fields.
    fields: std::slice::Iter<'static, FieldInfo>,
    result: Result<(), M::Error>,
}

impl<M: SerializeMap> Visitor<'_> for Writer<M> {
    fn field<T: SchemaType>(&mut self, value: &T) {
        let name = self.fields.next().map_or("", |field| field.name);
        if self.result.is_ok() && !T::Shape::is_unset(value) {
            self.result = self.map.serialize_entry(name, value);
        }
    }
}

/// Reads the next value into the field at an index.
struct FieldReader<'a, A, E> {
    map: &'a mut A,
    mode: Mode,
    /// Number of fields to skip.
    before: usize,
    result: Result<(), E>,
}

impl<'de, A: MapAccess<'de>> VisitorMut<'_> for FieldReader<'_, A, A::Error> {
    fn field<T: SchemaType>(&mut self, value: &mut T) {
        if self.before == 0 {
            self.result = self.map.next_value_seed(FieldSeed::new(self.mode)).map(|read| *value = read);
        }
        self.before = self.before.wrapping_sub(1);
    }
}

struct RecordReader<R> {
    mode: Mode,
    of: PhantomData<R>,
}

impl<'de, R: Record> de::Visitor<'de> for RecordReader<R> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of {}", R::INFO.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<R, A::Error> {
        let mode = self.mode;
        let mut record = R::blank();
        let mut read = vec![false; R::INFO.fields.len()];
        while let Some(Name(name)) = map.next_key()? {
            let Some(index) = R::INFO.fields.iter().position(|field| field.name == name) else {
                match mode {
                    Mode::Strict => return Err(A::Error::custom(Unknown { name: &name, fields: R::INFO.fields })),
                    Mode::Lenient => map.next_value::<IgnoredAny>()?,
                };
                continue;
            };
            if std::mem::replace(&mut read[index], true) && mode == Mode::Strict {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let mut reader = FieldReader { map: &mut map, mode, before: index, result: Ok(()) };
            record.fields_mut(&mut reader);
            reader.result?;
        }
        default_missing(&R::INFO, &mut fields_mut_of(&mut record), &read, mode)
            .map_or(Ok(()), |name| Err(A::Error::missing_field(name)))?;
        Ok(record)
    }
}

/// An unknown key, in the words of serde.
struct Unknown<'a> {
    name: &'a str,
    fields: &'static [FieldInfo],
}

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown field `{}`, ", self.name)?;
        match self.fields {
            [] => f.write_str("there are no fields"),
            [one] => write!(f, "expected `{}`", one.name),
            [one, other] => write!(f, "expected `{}` or `{}`", one.name, other.name),
            [first, rest @ ..] => {
                write!(f, "expected one of `{}`", first.name)?;
                rest.iter().try_for_each(|field| write!(f, ", `{}`", field.name))
            }
        }
    }
}

/// A field's name, borrowed where the format allows it.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> de::Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_identifier(NameVisitor)
    }
}
