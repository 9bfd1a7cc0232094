use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::SerializeMap;

use super::wire::{FieldSeed, Mode, Wire};

/// A type that is a JSON object with named fields.
pub trait Record: Wire {
    /// The type's name, for error messages.
    const NAME: &'static str;

    /// Reads the fields.
    fn read_fields<'de, A: MapAccess<'de>>(fields: Fields<'de, A>) -> Result<Self, A::Error>;
}

/// The fields of an object that is being read.
pub struct Fields<'de, A> {
    map: A,
    mode: Mode,
    missing: Option<&'static str>,
    of: PhantomData<&'de ()>,
}

impl<'de, A: MapAccess<'de>> Fields<'de, A> {
    /// The name of the next field.
    pub fn next_name(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        Ok(self.map.next_key::<Name<'de>>()?.map(|name| name.0))
    }

    /// Reads the field's value into its place.
    pub fn read<T: Wire>(&mut self, name: &str, place: &mut Option<T>) -> Result<(), A::Error> {
        if place.is_some() && self.mode == Mode::Strict {
            return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
        }
        *place = Some(self.map.next_value_seed(FieldSeed::new(self.mode))?);
        Ok(())
    }

    /// Passes over a field that the schema does not name, or refuses it.
    pub fn unknown(&mut self, name: &str, known: &'static [&'static str]) -> Result<(), A::Error> {
        match self.mode {
            Mode::Strict => Err(A::Error::unknown_field(name, known)),
            Mode::Lenient => self.map.next_value::<serde::de::IgnoredAny>().map(drop),
        }
    }

    /// A field's value, or what it is when it was not there; `None` where that is an error.
    pub fn complete<T: Wire>(&mut self, name: &'static str, place: Option<T>) -> Option<T> {
        let value = place.or_else(|| T::missing(self.mode));
        if value.is_none() {
            self.missing.get_or_insert(name);
        }
        value
    }

    /// The error of the first field that is missing.
    pub fn incomplete(&self) -> A::Error {
        A::Error::missing_field(self.missing.unwrap_or_default())
    }
}

/// Writes a field, if it is set.
pub fn write_field<T: Wire, M: SerializeMap>(map: &mut M, name: &'static str, value: &T) -> Result<(), M::Error> {
    if value.is_unset() { Ok(()) } else { map.serialize_entry(name, value) }
}

/// Reads a record from any format.
pub fn read_record<'de, R: Record, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<R, D::Error> {
    deserializer.deserialize_map(RecordVisitor { mode, of: PhantomData })
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

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<R, A::Error> {
        R::read_fields(Fields { map, mode: self.mode, missing: None, of: PhantomData })
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

/// Makes a struct a record: reading and writing it as JSON, in the mode of the side that it belongs to.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    ($mode:ident $record:ident { $($field:ident $(= $name:literal)?),* $(,)? }) => {
        const _: () = {
            use $crate::__private as private;

            const NAMES: &[&str] = &[$($crate::__name!($field $(= $name)?)),*];

            impl private::Record for $record {
                const NAME: &'static str = ::core::stringify!($record);

                #[allow(unused_mut)]
                fn read_fields<'de, __A: private::serde::de::MapAccess<'de>>(
                    mut fields: private::Fields<'de, __A>,
                ) -> ::core::result::Result<Self, __A::Error> {
                    $(let mut $field = ::core::option::Option::None;)*
                    while let ::core::option::Option::Some(name) = fields.next_name()? {
                        let read = match &*name {
                            $($crate::__name!($field $(= $name)?) => fields.read(&name, &mut $field),)*
                            _ => fields.unknown(&name, NAMES),
                        };
                        read?;
                    }
                    $(let $field = fields.complete($crate::__name!($field $(= $name)?), $field);)*
                    match ($($field,)*) {
                        ($(::core::option::Option::Some($field),)*) => {
                            ::core::result::Result::Ok($record { $($field),* })
                        }
                        #[allow(unreachable_patterns)]
                        _ => ::core::result::Result::Err(fields.incomplete()),
                    }
                }
            }

            impl private::Wire for $record {
                const NAMES: ::core::option::Option<&'static [&'static str]> = ::core::option::Option::Some(NAMES);

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
                    use private::serde::ser::SerializeMap as _;
                    #[allow(unused_mut)]
                    let mut map = serializer.serialize_map(::core::option::Option::None)?;
                    $(private::write_field(&mut map, $crate::__name!($field $(= $name)?), &self.$field)?;)*
                    map.end()
                }
            }

            impl<'de> private::serde::Deserialize<'de> for $record {
                fn deserialize<__D: private::serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    <Self as private::Wire>::read(deserializer, private::Mode::$mode)
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
    };
}
