//! Runs `cargo-fal` as a process, against an emulator in this one. One module per command.

#![allow(clippy::unwrap_used)]

mod add;
mod completions;
mod input;
mod jobs;
mod man;
mod price;
mod run;
mod show;
mod stream;
mod support;
mod tools;
mod usage;
