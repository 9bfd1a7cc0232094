//! Documents as the emulator needs them. `fal_documents` reads the files, and validates inputs.

pub(crate) mod document;
pub(crate) mod schema;
