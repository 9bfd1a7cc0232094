//! The control of the emulator over HTTP, for tests in other languages: `/emulator/…`.

mod api;
mod fault_form;

pub(crate) use api::{admit, respond, serves};
