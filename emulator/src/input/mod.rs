//! Validation of inputs against the document, with errors in fal's format.

pub(crate) mod checks;
pub(crate) mod files;
pub(crate) mod judge;
pub(crate) mod upload_policy;
pub(crate) mod violation;
