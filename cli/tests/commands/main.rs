//! Runs `cargo-fal` as a process, against an emulator in this one. One module per command.

#![allow(clippy::unwrap_used)]

mod add;
mod listen;
mod price;
mod receiver;
mod show;
mod support;
mod tools;
mod trigger;
mod usage;
