//! Validation of inputs against the document, with errors in fal's format.

mod applying;
pub(crate) mod checks;
pub(crate) mod file_limits;
pub(crate) mod files;
pub(crate) mod judge;
mod own_values;
pub(crate) mod violation;
