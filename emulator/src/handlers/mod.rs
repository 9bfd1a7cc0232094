//! The operations of fal, as functions of the emulator's state.

pub(crate) mod admit;
pub(crate) mod auth;
mod blocking;
mod bucket;
pub(crate) mod call;
mod connected;
pub(crate) mod dispatch;
pub(crate) mod files;
pub(crate) mod jobs;
pub(crate) mod perform;
mod platform;
mod queue;
mod run;
mod status_stream;
mod stream;
mod tokens;
mod uploads;
pub(crate) mod webhook;
pub(crate) mod websocket;
mod workflow;
