use std::fmt;

use serde_json::{Value, json};

/// A number, exactly as the schema writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer; bounds may be beyond `i64`.
    Int(i128),
    /// Any other number.
    Float(f64),
}

impl Number {
    fn to_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    pub(super) fn to_json(self) -> Value {
        match self {
            Number::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => json!(value),
                (_, Ok(value)) => json!(value),
                _ => json!(value as f64),
            },
            Number::Float(value) => json!(value),
        }
    }

    pub(super) fn less_than(self, other: Number) -> bool {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a < b,
            (a, b) => a.to_f64() < b.to_f64(),
        }
    }

    pub(super) fn equals(self, other: Number) -> bool {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a == b,
            (a, b) => a.to_f64() == b.to_f64(),
        }
    }

    /// Returns true if the number is a multiple of `step`. Integers are compared exactly. Other numbers may be off by a
    /// billionth, as in pydantic, which validates fal's inputs: `0.15` is a multiple of `0.05`.
    pub(super) fn is_multiple_of(self, step: Number) -> bool {
        match (self, step) {
            (Number::Int(value), Number::Int(step)) => step == 0 || value % step == 0,
            (value, step) => {
                let (value, step) = (value.to_f64(), step.to_f64());
                let (rest, tolerance) = ((value % step).abs(), value.abs() / 1e9);
                rest <= tolerance || (rest - step.abs()).abs() <= tolerance
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(value) => value.fmt(f),
            Number::Float(value) => value.fmt(f),
        }
    }
}

/// A constraint of a schema beyond the type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// At least this.
    Minimum(Number),
    /// At most this.
    Maximum(Number),
    /// More than this.
    ExclusiveMinimum(Number),
    /// Less than this.
    ExclusiveMaximum(Number),
    /// Minimum length, in code points.
    MinLength(u64),
    /// Maximum length, in code points.
    MaxLength(u64),
    /// Minimum number of items.
    MinItems(u64),
    /// Maximum number of items.
    MaxItems(u64),
    /// An integral multiple of this.
    MultipleOf(Number),
    /// One of these numbers.
    OneOf(&'static [Number]),
    /// This boolean only.
    Only(bool),
    /// A regular expression that must match somewhere in the string.
    Pattern(&'static str),
    /// Items must be unique.
    UniqueItems,
    /// A value must be set, although the type is an `Option`.
    Present,
    /// The rules for each item of an array or each value of a map.
    Items(&'static [Rule]),
    /// Further rules for a field of an object, for a measure of a file, or for the area and the aspect ratio of a size.
    Field(&'static str, &'static [Rule]),
    /// Limits of a file: rules for its measures, and [`MultipleOf`](Rule::MultipleOf) for the sides of a picture.
    File(&'static [Rule]),
    /// These values of a field, as JSON, although they break other rules.
    Accepts(&'static [&'static str]),
    /// Limits of all files of an array together.
    Files(&'static [Rule]),
}
