//! Connections over TCP, and the course of each request on them.

mod body;
mod connection;
mod cors;
mod duplex;
mod exchange;
mod forward;
mod hosts;
pub(crate) mod server;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod tunnel;
mod way;
mod wire;
