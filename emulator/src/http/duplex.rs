use tokio::io::{AsyncRead, AsyncWrite};

/// A connection of any kind: over TCP, over TLS, or in a tunnel.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}
