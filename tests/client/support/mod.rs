//! The services that the tests call: a server scripted down to the byte, and the queue and the storage built on it.
//! Tests that need no raw bytes use `fal_emulator`.

pub(crate) mod queue;
pub(crate) mod recorder;
pub(crate) mod server;
pub(crate) mod storage;
