use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::fields::{
    complete, copy_fields, debug_fields, fields_are_equal, fields_mut_of, fields_of, validate_fields, visit_files,
};
use super::part::{FieldPath, Part, Shape};
use super::validate::{Rule, Validator};
use super::wire::{FieldSeed, Mode};
use crate::files::FileInput;

/// A type that is a JSON object with named fields.
///
/// It says what its fields are, once; how they are read, written, checked and searched for files is here.
pub trait Record: Part {
    /// Its name and its fields.
    const ABOUT: About;

    /// A record of which nothing is set yet.
    fn blank() -> Self;

    /// Shows each field.
    fn fields<'a, V: Visit<'a>>(&'a self, visitor: &mut V);

    /// Lends each field.
    fn fields_mut<'a, V: VisitMut<'a>>(&'a mut self, visitor: &mut V);
}

/// What is known of a record before there is a value.
#[derive(Debug)]
pub struct About {
    /// The type's name, for error messages.
    pub name: &'static str,
    /// The fields, in the order in which they are shown.
    pub fields: &'static [Field],
}

/// What is known of a field before there is a value.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its rules, if it is of an input.
    pub rules: &'static [Rule],
}

/// What goes through a record's fields.
pub trait Visit<'a> {
    /// Is shown the next field.
    fn field<T: Part>(&mut self, value: &'a T);
}

/// What goes through a record's fields and may change them.
pub trait VisitMut<'a> {
    /// Is lent the next field.
    fn field<T: Part>(&mut self, value: &'a mut T);
}

/// What all records have in common.
#[derive(Debug)]
pub enum RecordShape {}

impl<R: Record> Shape<R> for RecordShape {
    const FIELDS: Option<&'static [Field]> = Some(R::ABOUT.fields);

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
        deserializer.deserialize_map(RecordVisitor { mode, of: PhantomData })
    }

    fn blank() -> R {
        R::blank()
    }

    fn validate(record: &R, at: &mut Validator, _rules: &'static [Rule]) {
        validate_fields(&R::ABOUT, &fields_of(record), at);
    }

    fn files_mut(record: &mut R, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        visit_files(&R::ABOUT, &mut fields_mut_of(record), at, visit);
    }
}

/// Reads a record from any format.
pub fn read_record<'de, R: Record, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
    RecordShape::read(deserializer, mode)
}

/// Writes the fields of a record that are set.
pub fn write_record<R: Record, S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
    let fields = R::ABOUT.fields.iter();
    let mut writer = Writer { map: serializer.serialize_map(None)?, fields, done: Ok(()) };
    record.fields(&mut writer);
    writer.done?;
    writer.map.end()
}

/// A copy, field by field.
pub fn clone_record<R: Record>(record: &R) -> R {
    let mut copy = R::blank();
    copy_fields(&mut fields_mut_of(&mut copy), &fields_of(record));
    copy
}

/// Whether all fields are equal.
pub fn records_are_equal<R: Record>(record: &R, other: &R) -> bool {
    fields_are_equal(&fields_of(record), &fields_of(other))
}

/// Shows the fields of a record, by their names in JSON.
pub fn debug_record<R: Record>(record: &R, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    debug_fields(&R::ABOUT, &fields_of(record), f)
}

struct Writer<M: SerializeMap> {
    map: M,
    /// The fields that are still to come.
    fields: std::slice::Iter<'static, Field>,
    done: Result<(), M::Error>,
}

impl<M: SerializeMap> Visit<'_> for Writer<M> {
    fn field<T: Part>(&mut self, value: &T) {
        let name = self.fields.next().map_or("", |field| field.name);
        if self.done.is_ok() && !T::Shape::is_unset(value) {
            self.done = self.map.serialize_entry(name, value);
        }
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

impl<'de, A: MapAccess<'de>> VisitMut<'_> for FieldReader<'_, A, A::Error> {
    fn field<T: Part>(&mut self, value: &mut T) {
        if self.before == 0 {
            self.done = self.map.next_value_seed(FieldSeed::new(self.mode)).map(|read| *value = read);
        }
        self.before = self.before.wrapping_sub(1);
    }
}

struct RecordVisitor<R> {
    mode: Mode,
    of: PhantomData<R>,
}

impl<'de, R: Record> Visitor<'de> for RecordVisitor<R> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of {}", R::ABOUT.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<R, A::Error> {
        let mode = self.mode;
        let mut record = R::blank();
        let mut read = vec![false; R::ABOUT.fields.len()];
        while let Some(Name(name)) = map.next_key()? {
            let Some(place) = R::ABOUT.fields.iter().position(|field| field.name == name) else {
                match mode {
                    Mode::Strict => return Err(A::Error::custom(Unknown { name: &name, fields: R::ABOUT.fields })),
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
        complete(&R::ABOUT, &mut fields_mut_of(&mut record), &read, mode)
            .map_or(Ok(()), |name| Err(A::Error::missing_field(name)))?;
        Ok(record)
    }
}

/// A key that is no field's name, in the words of serde.
struct Unknown<'a> {
    name: &'a str,
    fields: &'static [Field],
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

/// Makes a struct a record, which is read in the mode of the side that it belongs to. Behind a field stand its marks. The
/// bodies are as short as they can be: they are compiled for every record there is.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    ($mode:ident $record:ident: $shape:ident { $($field:ident $marks:tt)* }) => {
        #[doc(hidden)]
        impl $crate::__private::Part for $record {
            type Shape = $crate::__private::$shape;
        }

        #[doc(hidden)]
        impl $crate::__private::Record for $record {
            const ABOUT: $crate::__private::About = {
                #[allow(unused_imports)]
                use $crate::__private::{Number::*, Rule::*};
                $crate::__private::About {
                    name: ::core::stringify!($record),
                    fields: &[$($crate::__field! { $field $marks }),*],
                }
            };

            fn blank() -> Self {
                $record { $($field: $crate::__private::blank()),* }
            }

            #[allow(unused_variables)]
            fn fields<'a, __V: $crate::__private::Visit<'a>>(&'a self, visitor: &mut __V) {
                $(__V::field(visitor, &self.$field);)*
            }

            #[allow(unused_variables)]
            fn fields_mut<'a, __V: $crate::__private::VisitMut<'a>>(&'a mut self, visitor: &mut __V) {
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

/// What is known of a field, by its marks: its name in JSON, if it is another one, and its rules. The marks come in this
/// order: `set` or `given`, `name`, `rules`.
#[doc(hidden)]
#[macro_export]
macro_rules! __field {
    ($field:ident { $(set $set:tt)? $(given $given:tt)? $(rules($($rule:tt)*))* }) => {
        $crate::__private::Field { name: ::core::stringify!($field), rules: &[$($($rule)*),*] }
    };
    ($field:ident { $(set $set:tt)? $(given $given:tt)? name($name:literal) $(rules($($rule:tt)*))* }) => {
        $crate::__private::Field { name: $name, rules: &[$($($rule)*),*] }
    };
}

/// Declares a record of an output: `output! { pub struct Output { /// Its type. pub type_: String { name("type") }, } }`.
///
/// Here and in the other macros that take whole items, what is repeated begins with a token and not with another repetition,
/// hence the first line of documentation by itself; and what follows an optional group is a token that cannot begin it. Else
/// rustc keeps two ways open, copies all that it has matched so far for each, and takes a time that grows with the square of
/// the fields. Macros that take the marks of one field are too small for that.
#[doc(hidden)]
#[macro_export]
macro_rules! __output {
    (
        $(#[doc = $doc:tt])*
        pub struct $record:ident {
            $(#[doc = $field_doc:tt] $(#[doc = $more_doc:tt])* pub $field:ident: $type:ty $({ $($mark:tt)* })?,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[non_exhaustive]
        pub struct $record {
            $(#[doc = $field_doc] $(#[doc = $more_doc])* pub $field: $type,)*
        }

        $crate::__record! { Lenient $record: RecordShape { $($field { $($($mark)*)? })* } }
    };
}

#[cfg(test)]
#[allow(unreachable_pub)]
mod tests {
    use serde::de::DeserializeOwned;

    crate::__input_part! {
        /// No field.
        pub struct Nothing {}
    }

    crate::__input_part! {
        /// One field.
        pub struct One {
            /// A field.
            pub a: String,
        }
    }

    crate::__input_part! {
        /// Two fields.
        pub struct Two {
            /// A field.
            pub a: String,
            /// A field with another name.
            pub type_: String { name("type") },
        }
    }

    crate::__input_part! {
        /// Three fields.
        pub struct Three {
            /// A field.
            pub a: String,
            /// A field.
            pub b: String,
            /// A field.
            pub c: String,
        }
    }

    fn told<T: DeserializeOwned + std::fmt::Debug>() -> String {
        let error = serde_json::from_str::<T>(r#"{"z":1}"#).expect_err("no `z`").to_string();
        error.split(" at line").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn an_unknown_field_is_told_with_those_that_there_are() {
        assert_eq!(told::<Nothing>(), "unknown field `z`, there are no fields");
        assert_eq!(told::<One>(), "unknown field `z`, expected `a`");
        assert_eq!(told::<Two>(), "unknown field `z`, expected `a` or `type`");
        assert_eq!(told::<Three>(), "unknown field `z`, expected one of `a`, `b`, `c`");
    }
}
