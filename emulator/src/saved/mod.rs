//! State that survives restarts, as records in a file.

pub(crate) mod change;
#[cfg(feature = "state")]
pub(crate) mod database;
pub(crate) mod sink;
