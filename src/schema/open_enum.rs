use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

use super::part::{Part, Shape};
use super::validate::{Rule, Validator};
use super::wire::Mode;
use crate::protocol::{ParseEnumError, UndeclaredValue};

/// A set of texts to which the service may add.
pub trait OpenEnum: Part {
    /// What its schema says of it.
    const VALUES: Values<Self>;
}

/// The values of an open enum.
#[derive(Debug)]
pub struct Values<T: 'static> {
    /// The texts that the schema lists.
    pub texts: &'static [&'static str],
    /// The value of each text that is listed.
    pub values: &'static [T],
    /// Makes a value of another text.
    pub other: fn(UndeclaredValue) -> T,
    /// The text of a value.
    pub text: fn(&T) -> &str,
    /// Whether the schema allows any other text too.
    pub any_text: bool,
}

/// The value of a text, listed or not.
pub fn value_of_text<T: OpenEnum>(text: &str) -> T {
    listed(text).unwrap_or_else(|| (T::VALUES.other)(UndeclaredValue::new(text)))
}

/// The value of a text that is listed.
pub fn listed_value<T: OpenEnum>(text: &str) -> Result<T, ParseEnumError> {
    listed(text).ok_or_else(|| ParseEnumError::new(text, T::VALUES.texts))
}

fn listed<T: OpenEnum>(text: &str) -> Option<T> {
    T::VALUES.values.get(place(T::VALUES.texts, text)?).cloned()
}

fn place(listed: &[&str], text: &str) -> Option<usize> {
    listed.iter().position(|listed| *listed == text)
}

/// Shows a value by its text.
pub fn debug_value(text: &str, listed: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match listed.contains(&text) {
        true => write!(f, "{text:?}"),
        false => write!(f, "Other({text:?})"),
    }
}

/// What all open enums have in common.
#[derive(Debug)]
pub enum EnumShape {}

impl<T: OpenEnum> Shape<T> for EnumShape {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<T, D::Error> {
        read_open_enum(deserializer)
    }

    fn blank() -> T {
        value_of_text("")
    }

    fn validate(value: &T, at: &mut Validator, rules: &'static [Rule]) {
        at.listed((T::VALUES.text)(value), T::VALUES.texts, T::VALUES.any_text, rules);
    }
}

/// Reads a value of an open enum.
pub fn read_open_enum<'de, T: OpenEnum, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct TextVisitor<T>(PhantomData<T>);

    impl<T: OpenEnum> Visitor<'_> for TextVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "one of {:?}", T::VALUES.texts)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            Ok(value_of_text(text))
        }
    }

    deserializer.deserialize_str(TextVisitor(PhantomData))
}

/// Declares an enum of texts that stays open: `open_enum! { pub enum Format { /// `png` Png = "png", } }`. With
/// `pub enum Format: any_text` the schema allows any text, and a text becomes a value by `From`.
#[doc(hidden)]
#[macro_export]
macro_rules! __open_enum {
    (
        $(#[doc = $doc:tt])*
        pub enum $name:ident $(: $any:ident)? {
            $(#[doc = $variant_doc:tt] $(#[doc = $more_doc:tt])* $variant:ident = $text:literal,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(::core::clone::Clone)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = $variant_doc] $(#[doc = $more_doc])* $variant,)*
            /// A value that the schema does not list, made by [`Self::other`] or read from a response.
            Other($crate::UndeclaredValue),
        }

        impl $name {
            /// Every listed value's text, in the schema's order.
            pub const LISTED: &'static [&'static str] = &[$($text),*];

            /// The value of any text: for a service that is ahead of the schema. Sending an unlisted value takes
            /// `validate(false)` on the call.
            pub fn other(text: impl ::core::convert::AsRef<str>) -> Self {
                $crate::__private::value_of_text(text.as_ref())
            }

            /// The text that is sent.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $text,)*
                    $name::Other(value) => value.as_str(),
                }
            }
        }

        #[doc(hidden)]
        impl $crate::__private::Part for $name {
            type Shape = $crate::__private::EnumShape;
        }

        #[doc(hidden)]
        impl $crate::__private::OpenEnum for $name {
            const VALUES: $crate::__private::Values<Self> = $crate::__private::Values {
                texts: $name::LISTED,
                values: &[$($name::$variant),*],
                other: $name::Other,
                text: $name::as_str,
                any_text: $crate::__any_text! { $($any)? },
            };
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::__private::debug_value(self.as_str(), $name::LISTED, f)
            }
        }

        impl ::core::cmp::PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl ::core::cmp::Eq for $name {}

        impl ::core::hash::Hash for $name {
            fn hash<__H: ::core::hash::Hasher>(&self, state: &mut __H) {
                ::core::hash::Hash::hash(self.as_str(), state)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::ParseEnumError;

            /// Knows the listed values only.
            fn from_str(text: &str) -> ::core::result::Result<Self, $crate::ParseEnumError> {
                $crate::__private::listed_value(text)
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<__S: $crate::__private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<__D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                $crate::__private::read_open_enum(deserializer)
            }
        }

        $($crate::__any_text! { $name $any })?
    };
}

/// What sets an enum of which any text is a value apart.
#[doc(hidden)]
#[macro_export]
macro_rules! __any_text {
    () => {
        false
    };
    (any_text) => {
        true
    };
    ($name:ident any_text) => {
        impl ::core::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                $name::other(text)
            }
        }

        impl ::core::convert::From<::std::string::String> for $name {
            fn from(text: ::std::string::String) -> Self {
                $name::other(text)
            }
        }
    };
}
