//! Runs `cargo-fal` as a process, against an emulator in this one. One module per command.

#![allow(clippy::unwrap_used)]

mod add;
mod batch;
mod budget;
mod completions;
mod diff;
mod doctor;
mod emulate;
mod failures;
mod gallery;
mod input;
mod jobs;
mod list;
mod listen;
mod man;
mod mcp;
mod new;
mod price;
mod receiver;
mod run;
mod search;
mod settings;
mod show;
mod stream;
mod support;
mod tools;
mod trigger;
mod update;
mod usage;
