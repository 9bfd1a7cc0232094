//! The operations of fal, as functions of the emulator's state.

pub(crate) mod admit;
mod auth;
mod blocking;
pub(crate) mod call;
pub(crate) mod dispatch;
mod files;
mod jobs;
mod platform;
mod queue;
mod run;
mod status_stream;
mod stream;
mod tokens;
mod uploads;
