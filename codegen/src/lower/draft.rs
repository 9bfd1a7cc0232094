//! Items whose types are not decided yet.

use crate::model::{Item, Rule};
use crate::types::Simple;

/// An item whose types are still schemas.
pub(super) type Draft = Item<Simple>;

/// The result of lowering a schema: what its type depends on, and the rules beyond the type.
#[derive(Clone)]
pub(super) struct Shape {
    pub(super) simple: Simple,
    pub(super) rules: Vec<Rule>,
}

impl From<Simple> for Shape {
    fn from(simple: Simple) -> Self {
        Shape { simple, rules: Vec::new() }
    }
}

/// A part of a schema that the types do not express.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// The path of the part, such as `Input.loras`.
    pub(super) at: String,
    pub(super) text: String,
}
