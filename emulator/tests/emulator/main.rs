//! The emulator as a client on the wire sees it.
#![allow(clippy::unwrap_used)]

mod fal;

mod faults;
mod inputs;
mod jobs;
mod keys;
mod media;
mod options;
mod outputs;
mod queue;
mod requests;
mod run;
mod start;
mod start_timeout;
mod status_stream;
