//! Accepted jobs and their progress.

pub(crate) mod accepted_job;
pub(crate) mod changed;
pub(crate) mod concurrency;
pub(crate) mod gate;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod pace;
pub(crate) mod saved_job;
pub(crate) mod script;
pub(crate) mod slots;
