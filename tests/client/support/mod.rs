//! The services that the tests call. Tests that need raw bytes use the scripted server, or the scripts of the queue and
//! the storage built on it. All other tests use the emulator.

pub(crate) mod authority;
pub(crate) mod bytes;
pub(crate) mod emulator;
pub(crate) mod endless;
pub(crate) mod queue;
pub(crate) mod recorder;
pub(crate) mod server;
pub(crate) mod storage;
pub(crate) mod time;
pub(crate) mod unreachable;
