use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess};
use serde::ser::{SerializeMap, Serializer};

use super::any_field::{
    Finish, States, Unread, copy_fields, debug_fields, each_unread, fields_are_equal, fields_mut_of, fields_of,
    validate_fields, visit_files,
};
use super::field_path::FieldPath;
use super::mode::Mode;
use super::node::{Node, Parts};
use super::reading::{Seed, odd_array};
use super::report;
use super::rules::Rule;
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape, read_outermost};
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;

/// A struct that is a JSON object with declared fields.
///
/// It lists its fields once. How they are read, written, validated and searched for files is written here.
pub trait Record: SchemaType<Shape = RecordShape> {
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

/// The name of a field, and what its schema says of it.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    /// The name in JSON.
    pub name: &'static str,
    /// True if the schema requires the field. In an output, its type may be an `Option` nevertheless.
    pub required: bool,
    /// The rules, if the field belongs to an input.
    pub rules: &'static [Rule],
}

impl RecordInfo {
    /// Returns the index of a field. Objects mostly have their fields in the declared order, so that `next` is tried first.
    fn position(&self, name: &str, next: usize) -> Option<usize> {
        match self.fields.get(next) {
            Some(field) if field.name == name => Some(next),
            _ => self.fields.iter().position(|field| field.name == name),
        }
    }
}

/// Describes a field.
pub const fn field(name: &'static str, required: bool, rules: &'static [Rule]) -> FieldInfo {
    FieldInfo { name, required, rules }
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
    const HAS_OBJECTS: bool = true;
    const EXPECTED: &'static str = "an object";

    fn hollow() -> Option<R> {
        let mut record = R::blank();
        let mut fields = fields_mut_of(&mut record).into_iter();
        fields.all(|field| field.set_unread(false, Mode::Lenient) != Unread::Required).then_some(record)
    }

    /// A URL stands for a file that has no other fields.
    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<R> {
        let is_file = matches!(scalar, Scalar::Text(text) if FileInput::url(&**text).text_without_scheme().is_none());
        let index = R::INFO.fields.iter().position(|field| field.name == "url");
        let index = index.filter(|_| is_file && !mode.is_strict())?;
        let mut record = Self::hollow()?;
        fields_mut_of(&mut record)[index].set_url(scalar);
        Some(record)
    }

    /// Of several objects where one is declared, the first is read.
    fn from_array<'de, A: SeqAccess<'de>>(record: &mut R, mut items: A, mode: Mode) -> Result<Read, A::Error> {
        if mode != Mode::Lenient {
            return odd_array(items, mode, <Self as Shape<R>>::EXPECTED);
        }
        let (mut first, mut index) = (Read::Odd, 0_usize);
        loop {
            let (before, mut item) = (report::mark(), R::blank());
            match (items.next_element_seed(Seed::new(&mut item, mode))?, first) {
                (None, _) => return Ok(first),
                (Some(Read::Value(())), Read::Odd) => {
                    report::prepend(before, || format!("[{index}]"));
                    (*record, first) = (item, Read::Value(()));
                }
                _ => {
                    report::replace(before, format!("[{index}]"));
                }
            }
            index += 1;
        }
    }

    fn from_object<'de, A: MapAccess<'de>>(record: &mut R, mut object: A, mode: Mode) -> Result<Read, A::Error> {
        let mut states = States::new(R::INFO.fields.len());
        let states = states.as_mut_slice();
        let (mut next, mut has_unknown) = (0, false);
        while let Some(Name(name)) = object.next_key()? {
            let Some(index) = R::INFO.position(&name, next) else {
                if mode.is_strict() {
                    return Err(A::Error::custom(Unknown { name: &name, fields: R::INFO.fields }));
                }
                object.next_value::<IgnoredAny>()?;
                has_unknown = true;
                continue;
            };
            next = index + 1;
            let is_repeated = states[index].is_some();
            if mode.is_strict() && is_repeated {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let before = report::mark();
            let mut reader = FieldReader {
                object: &mut object,
                mode: mode.inner(),
                before: index,
                is_repeated,
                read: Ok(Read::Odd),
            };
            record.fields_mut(&mut reader);
            let read = reader.read?;
            states[index] = Some(read);
            match read {
                Read::Odd => report::replace(before, name.into_owned()),
                _ => report::prepend(before, || name.into_owned()),
            }
        }
        if states.iter().any(|state| *state != Some(Read::Value(()))) {
            let mut finish = Finish::new(&R::INFO, states, mode);
            // The outermost object is refused if it has no objects left, so the fields that were read count, too.
            let passed = if mode == Mode::Output { &[] } else { &*states };
            each_unread(record, passed, &mut |index, field| finish.field(index, field));
            match finish.end() {
                // It does not cost the rest of the output.
                Err(_) if mode == Mode::Lenient => return Ok(Read::Odd),
                ended => ended?,
            }
        }
        if mode == Mode::Output {
            let read = R::INFO.fields.iter().zip(&*states).filter(|(_, state)| **state == Some(Read::Value(())));
            report::outermost::<R>(read.clone().count(), read.filter(|(field, _)| field.required).count());
        } else if has_unknown && !mode.is_strict() && states.iter().all(Option::is_none) {
            // Another object in the place of this one.
            return Ok(Read::Odd);
        }
        Ok(Read::Value(()))
    }

    fn blank() -> R {
        R::blank()
    }

    fn validate(record: &R, validator: &mut Validator, rules: &'static [Rule]) {
        validate_fields(&R::INFO, &fields_of(record), validator, rules);
    }

    fn node(record: &R) -> Node<'_> {
        let names = R::INFO.fields.iter().map(|field| field.name);
        Node(Parts::Object { of: Some(R::INFO.name), fields: names.zip(fields_of(record)).collect() })
    }

    fn visit_files(record: &mut R, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        visit_files(&R::INFO, &mut fields_mut_of(record), path, visit);
    }
}

/// Reads a record that no other record contains, from any self-describing format.
pub fn read_record<'de, R: Record, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
    let mode = if mode.is_strict() { Mode::Strict } else { Mode::Output };
    read_outermost(deserializer, mode)
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
    object: &'a mut A,
    mode: Mode,
    /// Number of fields to skip.
    before: usize,
    /// True if the object has had the field before.
    is_repeated: bool,
    read: Result<Read, E>,
}

impl<'de, A: MapAccess<'de>> VisitorMut<'_> for FieldReader<'_, A, A::Error> {
    #[inline]
    fn field<T: SchemaType>(&mut self, place: &mut T) {
        if self.before == 0 {
            self.read_into(place);
        }
        self.before = self.before.wrapping_sub(1);
    }
}

impl<'de, A: MapAccess<'de>> FieldReader<'_, A, A::Error> {
    /// Not a part of `field`, so that passing over a field is a comparison and not a call.
    #[inline(never)]
    fn read_into<T: SchemaType>(&mut self, place: &mut T) {
        if self.is_repeated {
            *place = T::Shape::blank();
        }
        self.read = self.object.next_value_seed(Seed::new(place, self.mode));
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
