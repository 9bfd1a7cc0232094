//! Tests with the clients of others, which `.ci/interop` installs and then runs: fal's own against the emulator, and the Python
//! SDK of the Model Context Protocol against `cargo fal mcp`. No client is changed.
#![allow(clippy::unwrap_used)]

mod comparison;
mod emulate;
mod mcp;
mod peer;
mod readme;
mod requests;
mod scripts;
