use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::faults::break_point::BreakPoint;
use crate::http::duplex::Duplex;
use crate::http::exchange::{self, Upgrade};
use crate::http::tls;
use crate::http::tunnel::{Opened, Tunnel};
use crate::http::way::Way;
use crate::http::wire::Wire;
use crate::state::State;
use crate::sync::lock;

/// The longest time until a connection has sent the head of its next request, or has completed a TLS handshake.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of the head of a request.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// The most headers of a request.
const MAX_HEADERS: usize = 100;

/// Serves a connection until it ends, with the tunnel that it may become.
pub(super) async fn serve(stream: TcpStream, state: &Arc<State>) {
    // Only events are late if this fails, so the error is ignored.
    let _ = stream.set_nodelay(true);
    let Some((stream, way)) = tls::enter(stream, state).await else { return };
    let Some(tunnel) = requests(stream, way, state).await else { return };
    if let Some(Opened { stream, host }) = tunnel.open(state).await {
        // It does not become another tunnel: a request for one is refused.
        requests(stream, Way::Host(host), state).await;
    }
}

/// Serves the requests of a connection until it ends, or becomes a tunnel.
async fn requests(stream: Box<dyn Duplex>, way: Way, state: &Arc<State>) -> Option<Tunnel> {
    let break_point = BreakPoint::never();
    let wire = Wire::new(stream, break_point.clone());
    let upgrade = Mutex::new(None);
    let service = service_fn(|request| exchange::respond(state, request, &way, &break_point, &upgrade));
    // A connection fails when the client disconnects or a fault breaks it. Neither is an error of the emulator.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    http.max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
    let _ = http.serve_connection(TokioIo::new(wire), service).with_upgrades().await;
    let upgrade = lock(&upgrade).take();
    match upgrade? {
        Upgrade::Session(session) => {
            session.serve(state).await;
            None
        }
        Upgrade::Tunnel(tunnel) => Some(tunnel),
    }
}
