//! Runs `cargo-fal` as a process, against an emulator in this one. One module per command.

#![allow(clippy::unwrap_used)]

mod add;
mod batch;
mod budget;
mod completions;
mod diff;
mod doctor;
mod input;
mod jobs;
mod list;
mod man;
mod mcp;
mod price;
mod run;
mod search;
mod show;
mod stream;
mod support;
mod tools;
mod update;
mod usage;
