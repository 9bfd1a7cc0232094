//! Comparison of two versions of a document.

mod compare;
mod display;

use serde::Serialize;

pub use compare::{changes, compare};

/// A difference between two versions of an endpoint's document.
///
/// `Display` gives a line of a report: `fal-ai/flux: input.steps: Maximum changed from 50 to 30`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The endpoint's id.
    pub endpoint: String,
    /// The path of the changed part, such as `input.loras[].scale`. `input` and `output` stand for the whole schemas.
    pub path: String,
    /// The change itself.
    pub kind: ChangeKind,
    /// The effect on a program.
    pub effect: Effect,
}

/// The effect of a change on a program that uses the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A program may no longer compile, or a valid input may become invalid.
    Breaking,
    /// A program works as before, and can do more.
    Additive,
    /// Only documentation changes. This includes defaults, because requests do not contain them.
    Documentation,
}

/// The kinds of changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// The endpoint is new.
    EndpointAdded,
    /// The endpoint was removed.
    EndpointRemoved,
    /// The field is new.
    FieldAdded {
        /// True if inputs must have it.
        required: bool,
    },
    /// The field was removed.
    FieldRemoved,
    /// Inputs must have the field now.
    BecameRequired,
    /// Inputs may omit the field now.
    BecameOptional,
    /// The type changed.
    Type {
        /// The old type, as Rust.
        from: String,
        /// The new type, as Rust.
        to: String,
    },
    /// A generated type, field or variant was renamed.
    Name {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// An enum value is new.
    ValueAdded(String),
    /// An enum value was removed.
    ValueRemoved(String),
    /// A variant of a union is new.
    VariantAdded(String),
    /// A variant of a union was removed.
    VariantRemoved(String),
    /// An input's field accepts an explicit null now, with a meaning other than omission; or it no longer does.
    Null {
        /// True if null is allowed now.
        allowed: bool,
    },
    /// A bound was changed, added or removed.
    Bound {
        /// The name of the rule, such as `Maximum` or `MinLength`.
        rule: String,
        /// The old bound.
        from: Option<String>,
        /// The new bound.
        to: Option<String>,
    },
    /// The default was changed, added or removed.
    Default {
        /// The old default, as JSON.
        from: Option<String>,
        /// The new default, as JSON.
        to: Option<String>,
    },
    /// The documentation changed.
    Prose,
}
