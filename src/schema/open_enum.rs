use std::fmt;

use serde::de::{Deserialize, Deserializer};

use super::mode::Mode;
use super::reading::set;
use super::rules::Rule;
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape, read_outermost};
use super::union::Kind;
use super::validator::Validator;
use crate::protocol::{ParseEnumError, UndeclaredValue};

/// An enum of strings to which the service may add.
pub trait OpenEnum: SchemaType {
    /// The values.
    const INFO: EnumInfo<Self>;
}

/// The values of an open enum.
#[derive(Debug)]
pub struct EnumInfo<T: 'static> {
    /// The strings that the schema declares.
    pub strings: &'static [&'static str],
    /// The value of each declared string.
    pub values: &'static [T],
    /// Creates the value of an undeclared string.
    pub other: fn(UndeclaredValue) -> T,
    /// Returns the string of a value.
    pub as_str: fn(&T) -> &str,
    /// True if the schema allows any other string too.
    pub any_string: bool,
}

/// Returns the value of a string, declared or not.
pub fn value_of<T: OpenEnum>(string: &str) -> T {
    find(string).unwrap_or_else(|| (T::INFO.other)(UndeclaredValue::new(string)))
}

/// Returns the value of a declared string.
pub fn declared_value<T: OpenEnum>(string: &str) -> Result<T, ParseEnumError> {
    find(string).ok_or_else(|| ParseEnumError::new(string, T::INFO.strings))
}

fn find<T: OpenEnum>(string: &str) -> Option<T> {
    let index = T::INFO.strings.iter().position(|declared| *declared == string)?;
    T::INFO.values.get(index).cloned()
}

/// Formats a value as its string.
pub fn debug_value(string: &str, declared: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match declared.contains(&string) {
        true => write!(f, "{string:?}"),
        false => write!(f, "Other({string:?})"),
    }
}

/// The shape of all open enums.
#[derive(Debug)]
pub enum EnumShape {}

impl<T: OpenEnum> Shape<T> for EnumShape {
    const KIND: Kind = if T::INFO.any_string { Kind::String } else { Kind::DeclaredString };
    const HAS_FILES: bool = false;
    const EXPECTED: &'static str = "a string";

    fn missing(mode: Mode) -> Option<T> {
        (!mode.is_strict()).then(Self::blank)
    }

    /// Reads any value first, whose code all enums share: programs have many.
    fn read<'de, D: Deserializer<'de>>(place: &mut T, deserializer: D, mode: Mode) -> Result<Read, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Null => Ok(Read::Null),
            scalar => set::<T, Self, _>(place, &scalar, mode),
        }
    }

    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<T> {
        scalar.word(mode).map(|word| value_of(&word))
    }

    fn blank() -> T {
        value_of("")
    }

    fn validate(value: &T, validator: &mut Validator, rules: &'static [Rule]) {
        validator.enum_value((T::INFO.as_str)(value), T::INFO.strings, T::INFO.any_string, rules);
    }
}

/// Reads a value of an open enum.
pub fn read_open_enum<'de, T: OpenEnum, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    read_outermost(deserializer, Mode::Strict)
}
