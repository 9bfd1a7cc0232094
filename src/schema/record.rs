use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::part::{FieldPath, Part};
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

    /// Shows each field.
    fn fields<V: Visit>(&self, visitor: &mut V);

    /// Lends each field.
    fn fields_mut<V: VisitMut>(&mut self, visitor: &mut V);
}

/// What goes through a record's fields.
pub trait Visit {
    /// Is shown the next field.
    fn field<T: Part>(&mut self, value: &T);
}

/// What goes through a record's fields and may change them.
pub trait VisitMut {
    /// Is lent the next field.
    fn field<T: Part>(&mut self, value: &mut T);
}

/// Reads a record from any format.
pub fn read_record<'de, R: Record, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
    deserializer.deserialize_map(RecordVisitor { mode, of: PhantomData })
}

/// Writes the fields of a record that are set.
pub fn write_record<R: Record, S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
    let names = <R as Record>::NAMES.iter();
    let mut writer = Writer { map: serializer.serialize_map(None)?, names, done: Ok(()) };
    record.fields(&mut writer);
    writer.done?;
    writer.map.end()
}

/// Shows the files in a record.
pub fn files_of_record<R: Record>(record: &mut R, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
    record.fields_mut(&mut Files { at, names: <R as Record>::NAMES.iter(), visit });
}

/// Checks a record's fields by their rules.
pub fn validate_record<R: Record>(record: &R, at: &mut Validator) {
    let (names, rules) = (<R as Record>::NAMES.iter(), R::RULES.iter());
    record.fields(&mut Check { at, names, rules });
}

struct Check<'a> {
    at: &'a mut Validator,
    names: Names,
    rules: std::slice::Iter<'static, &'static [Rule]>,
}

impl Visit for Check<'_> {
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

impl<M: SerializeMap> Visit for Writer<M> {
    fn field<T: Part>(&mut self, value: &T) {
        let name = self.names.next().copied().unwrap_or_default();
        if self.done.is_ok() && !value.is_unset() {
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
            match T::missing(self.mode) {
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
        let mut read = vec![false; <R as Record>::NAMES.len()];
        while let Some(Name(name)) = map.next_key()? {
            let Some(place) = <R as Record>::NAMES.iter().position(|known| **known == *name) else {
                match mode {
                    Mode::Strict => return Err(A::Error::unknown_field(&name, <R as Record>::NAMES)),
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
        let mut completion = Completion { mode, read: &read, names: <R as Record>::NAMES, place: 0, missing: None };
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

/// Makes a struct a record: reading and writing it as JSON, in the mode of the side that it belongs to. In brackets are a
/// field's rules, if it is of an input.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    ($mode:ident $record:ident { $($field:ident $(= $name:literal)? $([$($rule:expr),*])?),* $(,)? }) => {
        const _: () = {
            use $crate::__private as private;

            impl private::Record for $record {
                const NAME: &'static str = ::core::stringify!($record);

                const NAMES: &'static [&'static str] = &[$($crate::__name!($field $(= $name)?)),*];

                const RULES: &'static [&'static [private::Rule]] = {
                    #[allow(unused_imports)]
                    use private::{Number::*, Rule::*};
                    &[$($(&[$($rule),*],)?)*]
                };

                #[allow(unused_variables)]
                fn fields<__V: private::Visit>(&self, visitor: &mut __V) {
                    $(visitor.field(&self.$field);)*
                }

                #[allow(unused_variables)]
                fn fields_mut<__V: private::VisitMut>(&mut self, visitor: &mut __V) {
                    $(visitor.field(&mut self.$field);)*
                }
            }

            impl private::Wire for $record {
                const NAMES: ::core::option::Option<&'static [&'static str]> =
                    ::core::option::Option::Some(<Self as private::Record>::NAMES);

                fn read<'de, __D: private::serde::Deserializer<'de>>(
                    deserializer: __D,
                    mode: private::Mode,
                ) -> ::core::result::Result<Self, __D::Error> {
                    private::read_record(deserializer, mode)
                }
            }

            impl private::serde::Serialize for $record {
                fn serialize<__S: private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    private::write_record(self, serializer)
                }
            }

            impl<'de> private::serde::Deserialize<'de> for $record {
                fn deserialize<__D: private::serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    private::read_record(deserializer, private::Mode::$mode)
                }
            }
        };
    };
}

/// Makes a record a part, of which nothing is special.
#[doc(hidden)]
#[macro_export]
macro_rules! __part {
    ($record:ident { $($field:ident),* $(,)? }) => {
        const _: () = {
            use $crate::__private as private;

            impl private::Part for $record {
                fn blank() -> Self {
                    $record { $($field: private::Part::blank()),* }
                }

                fn validate(&self, at: &mut private::Validator, _rules: &'static [private::Rule]) {
                    private::validate_record(self, at);
                }

                fn files_mut(
                    &mut self,
                    at: &mut private::FieldPath,
                    visit: &mut dyn ::core::ops::FnMut(&str, &mut $crate::FileInput),
                ) {
                    private::files_of_record(self, at, visit);
                }
            }
        };
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
        $(#[doc = $doc:expr])*
        pub struct $record:ident {
            $(
                $(#[doc = $field_doc:expr])*
                $(#[name = $name:literal])?
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

        $crate::__record! { Lenient $record { $($field $(= $name)?),* } }
        $crate::__part! { $record { $($field),* } }
    };
}
