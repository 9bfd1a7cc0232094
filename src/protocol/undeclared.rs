use std::fmt;

use crate::text::shown;

/// A value that an enum's schema does not declare.
///
/// It comes from the enum's `other`, or from a response if fal added a value after the schema was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UndeclaredValue(Box<str>);

impl UndeclaredValue {
    pub(crate) fn new(value: &str) -> Self {
        UndeclaredValue(value.into())
    }

    /// The value as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UndeclaredValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error of an enum's `FromStr`: the string is not a declared value.
///
/// ```
/// use fal_client::ErrorType;
///
/// assert!("not_a_type".parse::<ErrorType>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseEnumError {
    /// Abbreviated, and without secrets.
    value: String,
    declared: &'static [&'static str],
}

impl ParseEnumError {
    pub(crate) fn new(value: &str, declared: &'static [&'static str]) -> Self {
        ParseEnumError { value: shown(value), declared }
    }
}

impl fmt::Display for ParseEnumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown value \"{}\": expected one of {:?}; use `other` for an undeclared value",
            self.value, self.declared
        )
    }
}

impl std::error::Error for ParseEnumError {}
