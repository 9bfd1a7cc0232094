use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Visitor};

/// A value that an enum's schema does not list.
///
/// It comes from a response of a service that is ahead of the schema, or from the enum's `other`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnlistedValue(Box<str>);

impl UnlistedValue {
    #[doc(hidden)]
    pub fn __new(text: String) -> Self {
        UnlistedValue(text.into_boxed_str())
    }

    /// The value's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnlistedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is none of an enum's listed values, from its `FromStr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnlistedError {
    text: String,
    listed: &'static [&'static str],
}

impl UnlistedError {
    #[doc(hidden)]
    pub fn __new(text: &str, listed: &'static [&'static str]) -> Self {
        UnlistedError { text: text.to_owned(), listed }
    }
}

impl fmt::Display for UnlistedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not one of {:?}", self.text, self.listed)
    }
}

impl std::error::Error for UnlistedError {}

/// A set of texts to which the service may add.
pub trait OpenEnum: Sized {
    /// The texts that the schema lists.
    const LISTED: &'static [&'static str];

    /// Whether the schema allows any other text too.
    const ANY_TEXT: bool = false;

    /// The value of a text, listed or not.
    fn from_text(text: &str) -> Self;

    /// The text.
    fn text(&self) -> &str;
}

/// Reads a value of an open enum.
pub fn read_open_enum<'de, T: OpenEnum, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct TextVisitor<T>(PhantomData<T>);

    impl<T: OpenEnum> Visitor<'_> for TextVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "one of {:?}", T::LISTED)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            Ok(T::from_text(text))
        }
    }

    deserializer.deserialize_str(TextVisitor(PhantomData))
}

/// Declares an enum of texts that stays open: `open_enum! { /// Docs. pub enum Format { /// `png` Png = "png", } }`. With
/// `..any` after its values the schema allows any text, and a text becomes a value by `From`.
#[doc(hidden)]
#[macro_export]
macro_rules! __open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)* $(..$any:ident)? }
    ) => {
        $(#[$meta])*
        #[derive(
            ::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq, ::core::cmp::Eq, ::core::hash::Hash,
        )]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
            /// A value that the schema does not list, made by [`Self::other`] or read from a response.
            Other($crate::UnlistedValue),
        }

        impl $name {
            /// Every listed value's text, in the schema's order.
            pub const LISTED: &'static [&'static str] = &[$($text),*];

            /// The value of any text: for a service that is ahead of the schema. Sending an unlisted value takes
            /// `validate(false)` on the call.
            pub fn other(text: impl ::core::convert::AsRef<str>) -> Self {
                match text.as_ref() {
                    $($text => $name::$variant,)*
                    text => $name::Other($crate::UnlistedValue::__new(::std::string::String::from(text))),
                }
            }

            /// The text that is sent.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $text,)*
                    $name::Other(value) => value.as_str(),
                }
            }
        }

        const _: () = {
            use $crate::__private as private;

            impl private::OpenEnum for $name {
                const LISTED: &'static [&'static str] = $name::LISTED;
                $($crate::__any_text! { constant $any })?

                fn from_text(text: &str) -> Self {
                    $name::other(text)
                }

                fn text(&self) -> &str {
                    self.as_str()
                }
            }

            impl ::core::fmt::Display for $name {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.write_str(self.as_str())
                }
            }

            impl ::core::str::FromStr for $name {
                type Err = $crate::UnlistedError;

                /// Knows the listed values only.
                fn from_str(text: &str) -> ::core::result::Result<Self, $crate::UnlistedError> {
                    match $name::other(text) {
                        $name::Other(_) => {
                            ::core::result::Result::Err($crate::UnlistedError::__new(text, $name::LISTED))
                        }
                        value => ::core::result::Result::Ok(value),
                    }
                }
            }

            impl private::Wire for $name {
                fn read<'de, __D: private::serde::Deserializer<'de>>(
                    deserializer: __D,
                    _mode: private::Mode,
                ) -> ::core::result::Result<Self, __D::Error> {
                    private::read_open_enum(deserializer)
                }
            }

            impl private::Part for $name {
                fn blank() -> Self {
                    $name::other("")
                }

                fn validate(&self, at: &mut private::Validator, rules: &'static [private::Rule]) {
                    at.listed(self, rules);
                }
            }

            impl private::serde::Serialize for $name {
                fn serialize<__S: private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            impl<'de> private::serde::Deserialize<'de> for $name {
                fn deserialize<__D: private::serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    private::read_open_enum(deserializer)
                }
            }
        };

        $($crate::__any_text! { $name $any })?
    };
}

/// What sets an enum of which any text is a value apart.
#[doc(hidden)]
#[macro_export]
macro_rules! __any_text {
    (constant any) => {
        const ANY_TEXT: bool = true;
    };
    ($name:ident any) => {
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
