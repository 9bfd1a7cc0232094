//! Connections over TCP, and the course of each request on them.

mod body;
mod cors;
mod exchange;
mod hosts;
pub(crate) mod server;
mod wire;
