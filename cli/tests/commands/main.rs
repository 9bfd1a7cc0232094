//! Runs `cargo-fal` as a process, against an emulator in this one. One module per command.

#![allow(clippy::unwrap_used)]

mod listen;
mod receiver;
mod support;
mod trigger;
