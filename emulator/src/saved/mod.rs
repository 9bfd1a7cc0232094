//! State that survives restarts, as records in a file.

#[cfg(feature = "state")]
pub(crate) mod database;
pub(crate) mod record;
pub(crate) mod sink;
