//! The endpoints that an emulator serves.

pub(crate) mod catalog;
pub(crate) mod endpoint;
pub(crate) mod workflow;
