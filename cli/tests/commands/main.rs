//! Runs `cargo-fal` as a process, against an emulator in this one. One module per command.

#![allow(clippy::unwrap_used)]

mod add;
mod batch;
mod budget;
mod gallery;
mod price;
mod show;
mod support;
mod tools;
mod usage;
