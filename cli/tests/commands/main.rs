//! Runs `cargo-fal` as a process, against an emulator in this one. One module per command.

#![allow(clippy::unwrap_used)]

mod add;
mod batch;
mod budget;
mod diff;
mod doctor;
mod jobs;
mod list;
mod listen;
mod mcp;
mod price;
mod receiver;
mod run;
mod search;
mod show;
mod stream;
mod support;
mod tools;
mod trigger;
mod update;
mod usage;
