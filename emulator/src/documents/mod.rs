//! Documents as the emulator needs them: schemas for its validator, within bounds. `fal_documents` reads the files.

pub(crate) mod bounds;
pub(crate) mod document;
mod rewrite;
pub(crate) mod schema;
