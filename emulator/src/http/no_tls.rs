//! Connections without TLS: the emulator was built without the cargo feature `tls`.

use tokio::net::TcpStream;

use crate::http::duplex::Duplex;
use crate::http::way::Way;
use crate::state::State;

pub(super) const IS_SUPPORTED: bool = false;

/// Accepts a connection.
pub(super) async fn enter(stream: TcpStream, _: &State) -> Option<(Box<dyn Duplex>, Way)> {
    Some((Box::new(stream), Way::Port))
}

/// Refuses TLS in a tunnel.
pub(super) async fn accept_for(_: &str, _: impl Duplex, _: &State) -> Option<Box<dyn Duplex>> {
    None
}
