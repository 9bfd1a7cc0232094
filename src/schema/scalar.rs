//! Conversions of single values to the type of a field. An input must have the type; an output may come close to it.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;

use super::mode::Mode;

/// A value as it was read, before its type is considered.
#[derive(Debug)]
pub enum Scalar<'de> {
    /// A null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number without a fraction or an exponent.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(Cow<'de, str>),
    /// An array or an object.
    Compound(Value),
}

// Programs compile the readers of fields themselves, and know there which value it is. With `#[inline]`, only its conversion is left.
impl Scalar<'_> {
    /// Returns an integer. A number may be written as `3.0`; in an output it may be in a string.
    ///
    /// An output has no integers that `serde_json::Value` lacks, because then the output could not be converted to one.
    #[inline]
    pub(super) fn integer(&self, mode: Mode) -> Option<i128> {
        let integer = match self {
            Scalar::Integer(integer) => Some(*integer),
            Scalar::Float(float) => whole(*float),
            Scalar::Text(text) if !mode.is_strict() => integer_in(text.trim()),
            _ => None,
        };
        let in_value = |integer: &i128| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(integer);
        integer.filter(|integer| mode.is_strict() || in_value(integer))
    }

    /// Returns a finite number. In an output it may be in a string.
    #[inline]
    pub(super) fn number(&self, mode: Mode) -> Option<f64> {
        match self {
            Scalar::Integer(integer) => Some(*integer as f64),
            Scalar::Float(float) => Some(*float),
            Scalar::Text(text) if !mode.is_strict() => {
                text.trim().parse().ok().filter(|number: &f64| number.is_finite())
            }
            _ => None,
        }
    }

    /// Returns a boolean. In an output it may be 0, 1 or a string.
    #[inline]
    pub(super) fn boolean(&self, mode: Mode) -> Option<bool> {
        match self {
            Scalar::Bool(value) => Some(*value),
            Scalar::Integer(integer @ (0 | 1)) if !mode.is_strict() => Some(*integer == 1),
            Scalar::Text(text) if !mode.is_strict() => text.trim().to_ascii_lowercase().parse().ok(),
            _ => None,
        }
    }

    /// Returns a string. In an output it may be a number or a boolean.
    pub(super) fn word(&self, mode: Mode) -> Option<Cow<'_, str>> {
        match self {
            Scalar::Text(text) => Some(Cow::Borrowed(text)),
            Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Float(_) if !mode.is_strict() => {
                Some(Cow::Owned(self.to_json().to_string()))
            }
            _ => None,
        }
    }

    /// Returns a string. In an output it may be any value: the URL of a file, or the value's JSON.
    #[inline]
    pub(super) fn text(&self, mode: Mode) -> Option<Cow<'_, str>> {
        match self {
            Scalar::Text(text) => Some(Cow::Borrowed(text)),
            _ => self.other_text(mode),
        }
    }

    fn other_text(&self, mode: Mode) -> Option<Cow<'_, str>> {
        match self {
            Scalar::Compound(value) if !mode.is_strict() => {
                Some(self.url(mode).unwrap_or_else(|| Cow::Owned(value.to_string())))
            }
            _ => self.word(mode),
        }
    }

    /// Returns the URL of a file: a string, or in an output the `url` of an object.
    #[inline]
    pub(super) fn url(&self, mode: Mode) -> Option<Cow<'_, str>> {
        match self {
            Scalar::Text(text) => Some(Cow::Borrowed(text)),
            Scalar::Compound(value) if !mode.is_strict() => value.get("url")?.as_str().map(Cow::Borrowed),
            _ => None,
        }
    }

    /// Returns the value as JSON. Numbers that JSON lacks are null.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::from(*value),
            Scalar::Integer(integer) => match (i64::try_from(*integer), u64::try_from(*integer)) {
                (Ok(integer), _) => Value::from(integer),
                (_, Ok(integer)) => Value::from(integer),
                _ => Value::from(*integer as f64),
            },
            Scalar::Float(float) => Value::from(*float),
            Scalar::Text(text) => Value::from(&**text),
            Scalar::Compound(value) => value.clone(),
        }
    }

    /// Describes the value in an error.
    pub(super) fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Scalar::Null => Unexpected::Other("null"),
            Scalar::Bool(value) => Unexpected::Bool(*value),
            Scalar::Integer(integer) => match (i64::try_from(*integer), u64::try_from(*integer)) {
                (Ok(integer), _) => Unexpected::Signed(integer),
                (_, Ok(integer)) => Unexpected::Unsigned(integer),
                _ => Unexpected::Other("a large integer"),
            },
            Scalar::Float(float) => Unexpected::Float(*float),
            Scalar::Text(text) => Unexpected::Str(text),
            Scalar::Compound(Value::Array(_)) => Unexpected::Seq,
            Scalar::Compound(_) => Unexpected::Map,
        }
    }
}

/// Parses an integer, which may be written as `3.0`.
fn integer_in(text: &str) -> Option<i128> {
    text.parse().ok().or_else(|| whole(text.parse().ok()?))
}

/// Converts a float without a fraction to an integer.
fn whole(float: f64) -> Option<i128> {
    // The upper end is exclusive: `MAX as f64` rounds up to a power of two that does not fit.
    let fits = float >= i128::MIN as f64 && float < i128::MAX as f64;
    (fits && float.fract() == 0.0).then_some(float as i128)
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E: Error>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Null)
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Bool(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Integer(value.into()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Integer(value.into()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Float(value))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Owned(value.to_owned())))
            }

            fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Borrowed(value)))
            }

            fn visit_string<E: Error>(self, value: String) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Owned(value)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Scalar<'de>, A::Error> {
                Value::deserialize(SeqAccessDeserializer::new(items)).map(Scalar::Compound)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar<'de>, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(map)).map(Scalar::Compound)
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}
