//! The emulator as a client on the wire sees it.
#![allow(clippy::unwrap_used)]

mod fal;

mod faults;
mod inputs;
mod keys;
mod media;
mod outputs;
mod queue;
mod requests;
mod run;
mod start;
mod status_stream;
