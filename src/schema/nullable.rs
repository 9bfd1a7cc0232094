use serde::de::Deserializer;
use serde::{Serialize, Serializer};

use super::part::{FieldPath, Part, Shape};
use super::validate::{Rule, Validator};
use super::wire::Mode;
use crate::files::FileInput;

/// A value of an input's field to which null means something: it is not the same as leaving the field to its default.
///
/// ```
/// use fal_client::Nullable;
///
/// let unset: Option<Nullable<i64>> = None; // the service takes its default
/// let null = Some(Nullable::<i64>::Null); // `null` is sent
/// let five = Some(Nullable::Value(5));
/// # let _ = (unset, null, five);
/// ```
///
/// A builder has a setter for each: `duration(5)` and `null_duration()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nullable<T> {
    /// Null, which is sent.
    Null,
    /// A value.
    Value(T),
}

impl<T> Nullable<T> {
    /// The value, if it is not null.
    pub fn as_ref(&self) -> Option<&T> {
        match self {
            Nullable::Null => None,
            Nullable::Value(value) => Some(value),
        }
    }
}

impl<T> From<T> for Nullable<T> {
    fn from(value: T) -> Self {
        Nullable::Value(value)
    }
}

impl<T: Serialize> Serialize for Nullable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

impl<T: Part> Part for Nullable<T> {
    type Shape = Self;
}

impl<T: Part> Shape for Nullable<T> {
    fn meant_null() -> Option<Self> {
        Some(Nullable::Null)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        Ok(Option::read(deserializer, mode)?.map_or(Nullable::Null, Nullable::Value))
    }

    fn blank() -> Self {
        Nullable::Null
    }

    fn validate(value: &Self, at: &mut Validator, rules: &'static [Rule]) {
        if let Nullable::Value(value) = value {
            T::Shape::validate(value, at, rules);
        }
    }

    fn files_mut(value: &mut Self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        if let Nullable::Value(value) = value {
            T::Shape::files_mut(value, at, visit);
        }
    }
}
