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

/// Declares a union: `union! { pub enum ImageSizeChoice { #[kind(string)] Preset(ImageSizePreset), … } }`. A kind is
/// `string`, `object` or, for an object that is an image's size and can be made of a pair, `image_size`.
#[doc(hidden)]
#[macro_export]
macro_rules! __union {
    (
        $(#[doc = $doc:expr])*
        pub enum $union:ident {
            $($(#[doc = $variant_doc:expr])* #[kind($kind:ident)] $variant:ident($member:ty)),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #[non_exhaustive]
        pub enum $union {
            $($(#[doc = $variant_doc])* $variant($member),)*
        }

        const _: () = {
            use $crate::__private as private;

            impl private::Union for $union {
                const EXPECTED: &'static str = ::core::concat!("one of" $(, " ", ::core::stringify!($variant))*);

                $($crate::__union_member! { $kind $variant($member) })*
            }

            impl private::Wire for $union {
                fn read<'de, __D: private::serde::Deserializer<'de>>(
                    deserializer: __D,
                    mode: private::Mode,
                ) -> ::core::result::Result<Self, __D::Error> {
                    private::read_union(deserializer, mode)
                }
            }

            impl private::serde::Serialize for $union {
                fn serialize<__S: private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    match self {
                        $($union::$variant(value) => private::serde::Serialize::serialize(value, serializer)),*
                    }
                }
            }
        };

        $($crate::__union_from! { $kind $union::$variant($member) })*
    };
}

/// How a member of a union is read.
#[doc(hidden)]
#[macro_export]
macro_rules! __union_member {
    (string $variant:ident($member:ty)) => {
        fn read_string<'de, __D: $crate::__private::serde::Deserializer<'de>>(
            string: __D,
            mode: $crate::__private::Mode,
        ) -> ::core::option::Option<::core::result::Result<Self, __D::Error>> {
            ::core::option::Option::Some(<$member as $crate::__private::Wire>::read(string, mode).map(Self::$variant))
        }
    };
    (image_size $variant:ident($member:ty)) => {
        $crate::__union_member! { object $variant($member) }
    };
    (object $variant:ident($member:ty)) => {
        fn read_object<'de, __D: $crate::__private::serde::Deserializer<'de>>(
            object: __D,
            mode: $crate::__private::Mode,
        ) -> ::core::option::Option<::core::result::Result<Self, __D::Error>> {
            ::core::option::Option::Some(<$member as $crate::__private::Wire>::read(object, mode).map(Self::$variant))
        }
    };
}

/// What a union is made of.
#[doc(hidden)]
#[macro_export]
macro_rules! __union_from {
    (image_size $union:ident::$variant:ident($member:ty)) => {
        $crate::__union_from! { object $union::$variant($member) }

        /// A width and a height in pixels.
        impl<__W: ::core::convert::Into<i64>, __H: ::core::convert::Into<i64>> ::core::convert::From<(__W, __H)>
            for $union
        {
            fn from(sides: (__W, __H)) -> Self {
                $union::$variant(::core::convert::From::from(sides))
            }
        }
    };
    ($kind:ident $union:ident::$variant:ident($member:ty)) => {
        impl ::core::convert::From<$member> for $union {
            fn from(value: $member) -> Self {
                $union::$variant(value)
            }
        }
    };
}

/// A union on the output side.
#[doc(hidden)]
#[macro_export]
macro_rules! __output_union {
    ($(#[doc = $doc:expr])* pub enum $union:ident { $($members:tt)* }) => {
        $crate::__union! { $(#[doc = $doc])* pub enum $union { $($members)* } }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $union {
            fn deserialize<__D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                $crate::__private::read_union(deserializer, $crate::__private::Mode::Lenient)
            }
        }
    };
}

/// A union on the input side, whose members are checked.
#[doc(hidden)]
#[macro_export]
macro_rules! __input_union {
    (
        $(#[doc = $doc:expr])*
        pub enum $union:ident {
            $(#[doc = $first_doc:expr])* #[kind($first_kind:ident)] $first:ident($first_member:ty)
            $(, $(#[doc = $variant_doc:expr])* #[kind($kind:ident)] $variant:ident($member:ty))* $(,)?
        }
    ) => {
        $crate::__union! {
            $(#[doc = $doc])*
            pub enum $union {
                $(#[doc = $first_doc])* #[kind($first_kind)] $first($first_member)
                $(, $(#[doc = $variant_doc])* #[kind($kind)] $variant($member))*
            }
        }

        const _: () = {
            use $crate::__private as private;

            impl<'de> private::serde::Deserialize<'de> for $union {
                fn deserialize<__D: private::serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    private::read_union(deserializer, private::Mode::Strict)
                }
            }

            impl private::InputPart for $union {
                fn blank() -> Self {
                    $union::$first(private::InputPart::blank())
                }

                fn validate(&self, at: &mut private::Validator, rules: &'static [private::Rule]) {
                    match self {
                        $union::$first(value) => private::InputPart::validate(value, at, rules),
                        $($union::$variant(value) => private::InputPart::validate(value, at, rules),)*
                    }
                }

                fn files_mut(
                    &mut self,
                    at: &mut private::FieldPath,
                    visit: &mut dyn ::core::ops::FnMut(&str, &mut $crate::FileInput),
                ) {
                    match self {
                        $union::$first(value) => private::InputPart::files_mut(value, at, visit),
                        $($union::$variant(value) => private::InputPart::files_mut(value, at, visit),)*
                    }
                }
            }
        };
    };
}
