//! TLS, on the same port as plain HTTP.

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::server::TlsStream;

use crate::http::connection::HEAD_TIMEOUT;
use crate::http::duplex::Duplex;
use crate::http::hosts;
use crate::http::way::Way;
use crate::request::fal_host;
use crate::state::State;

pub(super) const IS_SUPPORTED: bool = true;

/// The first byte of a TLS handshake. A request begins with a letter.
const HANDSHAKE: u8 = 0x16;

/// Accepts a connection, over TLS if it begins with a handshake. Returns `None` if it ends before a request.
pub(super) async fn enter(stream: TcpStream, state: &State) -> Option<(Box<dyn Duplex>, Way)> {
    let mut first = [0];
    match timeout(HEAD_TIMEOUT, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == HANDSHAKE => {
            let (stream, name) = accept(stream, state, None).await?;
            let way = name.filter(|name| fal_host::is_served(name)).map_or(Way::Port, Way::Host);
            Some((Box::new(stream), way))
        }
        Ok(Ok(1)) => Some((Box::new(stream), Way::Port)),
        _ => None,
    }
}

/// Accepts TLS in a tunnel to a host.
pub(super) async fn accept_for(host: &str, stream: impl Duplex + 'static, state: &State) -> Option<Box<dyn Duplex>> {
    let (stream, _) = accept(stream, state, Some(host)).await?;
    Some(Box::new(stream))
}

/// Accepts TLS with the certificate of a host: the one of the tunnel, or else the one that the client names. Returns that name
/// too. Any other name gets the certificate of the loopback interface, which a client that checks it does not accept.
async fn accept<S: Duplex>(stream: S, state: &State, host: Option<&str>) -> Option<(TlsStream<S>, Option<String>)> {
    let handshake = async {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await.ok()?;
        let name = start.client_hello().server_name().map(str::to_ascii_lowercase);
        let host = host.or(name.as_deref());
        let host =
            host.filter(|host| fal_host::is_served(host) || hosts::is_allowed(host, &state.settings.allowed_hosts));
        let config = state.authority.server(host)?;
        Some((start.into_stream(config).await.ok()?, name))
    };
    timeout(HEAD_TIMEOUT, handshake).await.ok()?
}
