use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::wire::{Mode, Wire};

/// A value that may have one of several forms, told apart by their JSON kind.
///
/// A member reads its own value, so that an error inside it is that member's error, with its path.
pub trait Union: Wire {
    /// The forms in words, for error messages.
    const EXPECTED: &'static str;

    /// Reads the form that is a string.
    fn read_string<'de, D: Deserializer<'de>>(_string: D, _mode: Mode) -> Option<Result<Self, D::Error>> {
        None
    }

    /// Reads the form that is an object.
    fn read_object<'de, D: Deserializer<'de>>(_object: D, _mode: Mode) -> Option<Result<Self, D::Error>> {
        None
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

impl<'de, U: Union> Visitor<'de> for UnionVisitor<U> {
    type Value = U;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(U::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<U, E> {
        U::read_string(StrDeserializer::new(text), self.mode)
            .unwrap_or_else(|| Err(E::invalid_type(Unexpected::Str(text), &self)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<U, A::Error> {
        U::read_object(MapAccessDeserializer::new(map), self.mode)
            .unwrap_or_else(|| Err(A::Error::invalid_type(Unexpected::Map, &self)))
    }
}

/// Makes an enum of one-field variants a union: `union! { ImageSizeChoice { Preset: string, Custom: object } }`.
#[doc(hidden)]
#[macro_export]
macro_rules! __union {
    ($union:ident { $($variant:ident: $kind:ident($member:ty)),* $(,)? }) => {
        const _: () = {
            use $crate::__private::{Mode, Union, Wire, serde};

            impl Union for $union {
                const EXPECTED: &'static str = ::core::concat!("one of" $(, " ", ::core::stringify!($kind))*);

                $($crate::__union_member! { $variant: $kind($member) })*
            }

            impl Wire for $union {
                fn read<'de, D: serde::Deserializer<'de>>(
                    deserializer: D,
                    mode: Mode,
                ) -> ::core::result::Result<Self, D::Error> {
                    $crate::__private::read_union(deserializer, mode)
                }
            }

            impl serde::Serialize for $union {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                    match self {
                        $($union::$variant(value) => serde::Serialize::serialize(value, serializer)),*
                    }
                }
            }

            $(impl ::core::convert::From<$member> for $union {
                fn from(value: $member) -> Self {
                    $union::$variant(value)
                }
            })*
        };
    };
}

/// How a member of a union is read.
#[doc(hidden)]
#[macro_export]
macro_rules! __union_member {
    ($variant:ident: string($member:ty)) => {
        fn read_string<'de, D: $crate::__private::serde::Deserializer<'de>>(
            string: D,
            mode: $crate::__private::Mode,
        ) -> ::core::option::Option<::core::result::Result<Self, D::Error>> {
            ::core::option::Option::Some(<$member as $crate::__private::Wire>::read(string, mode).map(Self::$variant))
        }
    };
    ($variant:ident: object($member:ty)) => {
        fn read_object<'de, D: $crate::__private::serde::Deserializer<'de>>(
            object: D,
            mode: $crate::__private::Mode,
        ) -> ::core::option::Option<::core::result::Result<Self, D::Error>> {
            ::core::option::Option::Some(<$member as $crate::__private::Wire>::read(object, mode).map(Self::$variant))
        }
    };
}

/// A union on the output side.
#[doc(hidden)]
#[macro_export]
macro_rules! __output_union {
    ($union:ident { $($members:tt)* }) => {
        $crate::__union! { $union { $($members)* } }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $union {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::__private::read_union(deserializer, $crate::__private::Mode::Lenient)
            }
        }
    };
}

/// A union on the input side, whose members are checked.
#[doc(hidden)]
#[macro_export]
macro_rules! __input_union {
    ($union:ident { $first:ident: $first_kind:ident($first_member:ty) $(, $variant:ident: $kind:ident($member:ty))* $(,)? }) => {
        $crate::__union! { $union { $first: $first_kind($first_member) $(, $variant: $kind($member))* } }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $union {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::__private::read_union(deserializer, $crate::__private::Mode::Strict)
            }
        }

        const _: () = {
            use $crate::__private::{FieldPath, InputPart, Rule, Validator};

            impl InputPart for $union {
                fn blank() -> Self {
                    $union::$first(InputPart::blank())
                }

                fn validate(&self, at: &mut Validator, rules: &'static [Rule]) {
                    match self {
                        $union::$first(value) => value.validate(at, rules),
                        $($union::$variant(value) => value.validate(at, rules),)*
                    }
                }

                fn files_mut(
                    &mut self,
                    at: &mut FieldPath,
                    visit: &mut dyn ::core::ops::FnMut(&str, &mut $crate::FileInput),
                ) {
                    match self {
                        $union::$first(value) => value.files_mut(at, visit),
                        $($union::$variant(value) => value.files_mut(at, visit),)*
                    }
                }
            }
        };
    };
}
