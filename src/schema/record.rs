use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::part::{FieldPath, Part, Shape};
use super::validate::{Rule, Validator};
use super::wire::{FieldSeed, Mode};
use crate::FileInput;

/// A type that is a JSON object with named fields.
///
/// It says what its fields are, once; how they are read, written, checked and searched for files is here.
pub trait Record: Part {
    /// The type's name, for error messages.
    const NAME: &'static str;

    /// The fields' names in JSON, in the order in which they are shown.
    const NAMES: &'static [&'static str];

    /// The fields' rules, if it is of an input.
    const RULES: &'static [&'static [Rule]] = &[];

    /// A record of which nothing is set yet.
    fn blank() -> Self;

    /// Shows each field.
    fn fields<'a, V: Visit<'a>>(&'a self, visitor: &mut V);

    /// Lends each field.
    fn fields_mut<V: VisitMut>(&mut self, visitor: &mut V);
}

/// What goes through a record's fields.
pub trait Visit<'a> {
    /// Is shown the next field.
    fn field<T: Part>(&mut self, value: &'a T);
}

/// What goes through a record's fields and may change them.
pub trait VisitMut {
    /// Is lent the next field.
    fn field<T: Part>(&mut self, value: &mut T);
}

/// What all records have in common.
#[derive(Debug)]
pub enum RecordShape {}

impl<R: Record> Shape<R> for RecordShape {
    const NAMES: Option<&'static [&'static str]> = Some(R::NAMES);

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
        deserializer.deserialize_map(RecordVisitor { mode, of: PhantomData })
    }

    fn blank() -> R {
        R::blank()
    }

    fn validate(record: &R, at: &mut Validator, _rules: &'static [Rule]) {
        let (names, rules) = (R::NAMES.iter(), R::RULES.iter());
        record.fields(&mut Check { at, names, rules });
    }

    fn files_mut(record: &mut R, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        record.fields_mut(&mut Files { at, names: R::NAMES.iter(), visit });
    }
}

/// Reads a record from any format.
pub fn read_record<'de, R: Record, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
    RecordShape::read(deserializer, mode)
}

/// Writes the fields of a record that are set.
pub fn write_record<R: Record, S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
    let names = R::NAMES.iter();
    let mut writer = Writer { map: serializer.serialize_map(None)?, names, done: Ok(()) };
    record.fields(&mut writer);
    writer.done?;
    writer.map.end()
}

/// A copy, field by field.
pub fn clone_record<R: Record>(record: &R) -> R {
    let mut copy = R::blank();
    copy.fields_mut(&mut Copying(all_fields(record).into_iter()));
    copy
}

/// Whether all fields are equal.
pub fn records_are_equal<R: Record>(record: &R, other: &R) -> bool {
    let mut comparison = Comparison { others: all_fields(other).into_iter(), equal: true };
    record.fields(&mut comparison);
    comparison.equal
}

/// Shows the fields of a record, by their names in JSON.
pub fn debug_record<R: Record>(record: &R, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut debugging = Debugging { of: f.debug_struct(R::NAME), names: R::NAMES.iter() };
    record.fields(&mut debugging);
    debugging.of.finish()
}

fn all_fields<R: Record>(record: &R) -> Vec<&dyn Any> {
    let mut fields = Fields(Vec::with_capacity(R::NAMES.len()));
    record.fields(&mut fields);
    fields.0
}

struct Fields<'a>(Vec<&'a dyn Any>);

impl<'a> Visit<'a> for Fields<'a> {
    fn field<T: Part>(&mut self, value: &'a T) {
        self.0.push(value);
    }
}

struct Copying<'a>(std::vec::IntoIter<&'a dyn Any>);

impl VisitMut for Copying<'_> {
    fn field<T: Part>(&mut self, value: &mut T) {
        if let Some(original) = self.0.next().and_then(|field| field.downcast_ref::<T>()) {
            *value = original.clone();
        }
    }
}

struct Comparison<'a> {
    others: std::vec::IntoIter<&'a dyn Any>,
    equal: bool,
}

impl Visit<'_> for Comparison<'_> {
    fn field<T: Part>(&mut self, value: &T) {
        let other = self.others.next().and_then(|field| field.downcast_ref::<T>());
        self.equal = self.equal && other == Some(value);
    }
}

struct Debugging<'a, 'f> {
    of: fmt::DebugStruct<'a, 'f>,
    names: Names,
}

impl Visit<'_> for Debugging<'_, '_> {
    fn field<T: Part>(&mut self, value: &T) {
        self.of.field(self.names.next().copied().unwrap_or_default(), value);
    }
}

struct Check<'a> {
    at: &'a mut Validator,
    names: Names,
    rules: std::slice::Iter<'static, &'static [Rule]>,
}

impl Visit<'_> for Check<'_> {
    fn field<T: Part>(&mut self, value: &T) {
        let (name, rules) = (self.names.next(), self.rules.next());
        self.at.field(name.copied().unwrap_or_default(), value, rules.copied().unwrap_or_default());
    }
}

/// The names of the fields that are still to come.
type Names = std::slice::Iter<'static, &'static str>;

struct Writer<M: SerializeMap> {
    map: M,
    names: Names,
    done: Result<(), M::Error>,
}

impl<M: SerializeMap> Visit<'_> for Writer<M> {
    fn field<T: Part>(&mut self, value: &T) {
        let name = self.names.next().copied().unwrap_or_default();
        if self.done.is_ok() && !T::Shape::is_unset(value) {
            self.done = self.map.serialize_entry(name, value);
        }
    }
}

struct Files<'a> {
    at: &'a mut FieldPath,
    names: Names,
    visit: &'a mut dyn FnMut(&str, &mut FileInput),
}

impl VisitMut for Files<'_> {
    fn field<T: Part>(&mut self, value: &mut T) {
        let name = self.names.next().copied().unwrap_or_default();
        self.at.visit(name, value, self.visit);
    }
}

/// Reads the value that comes next into the field at a place.
struct FieldReader<'a, A, E> {
    map: &'a mut A,
    mode: Mode,
    /// How many fields there are before the wanted one.
    before: usize,
    done: Result<(), E>,
}

impl<'de, A: MapAccess<'de>> VisitMut for FieldReader<'_, A, A::Error> {
    fn field<T: Part>(&mut self, value: &mut T) {
        if self.before == 0 {
            self.done = self.map.next_value_seed(FieldSeed::new(self.mode)).map(|read| *value = read);
        }
        self.before = self.before.wrapping_sub(1);
    }
}

/// Fills in the fields that were not there.
struct Completion<'a> {
    mode: Mode,
    read: &'a [bool],
    names: &'static [&'static str],
    place: usize,
    missing: Option<&'static str>,
}

impl VisitMut for Completion<'_> {
    fn field<T: Part>(&mut self, value: &mut T) {
        if !self.read.get(self.place).copied().unwrap_or_default() {
            match T::Shape::missing(self.mode) {
                Some(missing) => *value = missing,
                None => self.missing = self.missing.or(self.names.get(self.place).copied()),
            }
        }
        self.place += 1;
    }
}

struct RecordVisitor<R> {
    mode: Mode,
    of: PhantomData<R>,
}

impl<'de, R: Record> Visitor<'de> for RecordVisitor<R> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of {}", R::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<R, A::Error> {
        let mode = self.mode;
        let mut record = R::blank();
        let mut read = vec![false; R::NAMES.len()];
        while let Some(Name(name)) = map.next_key()? {
            let Some(place) = R::NAMES.iter().position(|known| **known == *name) else {
                match mode {
                    Mode::Strict => return Err(A::Error::unknown_field(&name, R::NAMES)),
                    Mode::Lenient => map.next_value::<IgnoredAny>()?,
                };
                continue;
            };
            if std::mem::replace(&mut read[place], true) && mode == Mode::Strict {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let mut reader = FieldReader { map: &mut map, mode, before: place, done: Ok(()) };
            record.fields_mut(&mut reader);
            reader.done?;
        }
        let mut completion = Completion { mode, read: &read, names: R::NAMES, place: 0, missing: None };
        record.fields_mut(&mut completion);
        completion.missing.map_or(Ok(record), |name| Err(A::Error::missing_field(name)))
    }
}

/// A field's name, borrowed where the format can lend it.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
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

/// Makes a struct a record, which is read in the mode of the side that it belongs to. Behind the fields are their rules, if
/// it is of an input. The bodies are as short as they can be: they are compiled for every record there is.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    (
        $mode:ident $record:ident: $shape:ident { $($field:ident $(= $name:literal)?),* $(,)? }
        $([$([$($rule:tt)*])*])?
    ) => {
        impl $crate::__private::Part for $record {
            type Shape = $crate::__private::$shape;
        }

        impl $crate::__private::Record for $record {
            const NAME: &'static str = ::core::stringify!($record);

            const NAMES: &'static [&'static str] = &[$($crate::__name!($field $(= $name)?)),*];

            $(
                const RULES: &'static [&'static [$crate::__private::Rule]] = {
                    #[allow(unused_imports)]
                    use $crate::__private::{Number::*, Rule::*};
                    &[$(&[$($rule)*]),*]
                };
            )?

            fn blank() -> Self {
                $record { $($field: $crate::__private::blank()),* }
            }

            #[allow(unused_variables)]
            fn fields<'a, __V: $crate::__private::Visit<'a>>(&'a self, visitor: &mut __V) {
                $(__V::field(visitor, &self.$field);)*
            }

            #[allow(unused_variables)]
            fn fields_mut<__V: $crate::__private::VisitMut>(&mut self, visitor: &mut __V) {
                $(__V::field(visitor, &mut self.$field);)*
            }
        }

        impl ::core::clone::Clone for $record {
            fn clone(&self) -> Self {
                $crate::__private::clone_record(self)
            }
        }

        impl ::core::cmp::PartialEq for $record {
            fn eq(&self, other: &Self) -> bool {
                $crate::__private::records_are_equal(self, other)
            }
        }

        impl ::core::fmt::Debug for $record {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::__private::debug_record(self, f)
            }
        }

        impl $crate::__private::serde::Serialize for $record {
            fn serialize<__S: $crate::__private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                $crate::__private::write_record(self, serializer)
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $record {
            fn deserialize<__D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                $crate::__private::read_record(deserializer, $crate::__private::Mode::$mode)
            }
        }
    };
}

/// A field's name in JSON.
#[doc(hidden)]
#[macro_export]
macro_rules! __name {
    ($field:ident) => {
        ::core::stringify!($field)
    };
    ($field:ident = $name:literal) => {
        $name
    };
}

/// Declares a record of an output: `output! { pub struct Output { #[name = "type"] pub type_: String } }`.
#[doc(hidden)]
#[macro_export]
macro_rules! __output {
    (
        $(#[doc = $doc:tt])*
        pub struct $record:ident {
            $(
                $(#[doc = $field_doc:tt])*
                $(#[name = $name:literal])?
                pub $field:ident: $type:ty
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[non_exhaustive]
        pub struct $record {
            $($(#[doc = $field_doc])* pub $field: $type,)*
        }

        $crate::__record! { Lenient $record: RecordShape { $($field $(= $name)?),* } }
    };
}
