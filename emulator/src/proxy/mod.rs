//! The environment that leads programs to the emulator as their proxy.

pub(crate) mod environment;
mod no_proxy;
