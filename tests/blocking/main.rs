//! The blocking client against the emulator, which has a runtime of its own.

mod calls;
mod cancelling;
mod contexts;
mod live;
mod readers;
mod service;
mod thread;
mod writers;
