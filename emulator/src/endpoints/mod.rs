//! The endpoints that an emulator serves.

pub(crate) mod catalog;
pub(crate) mod endpoint;
