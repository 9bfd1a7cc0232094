use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use crate::faults::break_point::BreakPoint;
use crate::http::exchange;
use crate::http::wire::Wire;
use crate::response::exceeded::Exceeded;
use crate::state::State;
use crate::sync::lock;

/// The most open connections.
const MAX_CONNECTIONS: usize = 4_096;
/// The longest time until a connection has sent the head of its next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of the head of a request.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// The most headers of a request.
const MAX_HEADERS: usize = 100;

/// A port of the loopback interface, reserved but not served yet.
pub(crate) struct Port {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Port {
    /// Reserves a port. 0 selects a free one.
    pub(crate) async fn listen(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Port { listener, address })
    }
}

/// The task that serves a port. Dropping it closes the port and all connections immediately.
pub(crate) struct Server(JoinHandle<()>);

impl Server {
    pub(crate) fn start(port: Port, state: Arc<State>) -> Self {
        Server(tokio::spawn(serve(port.listener, state)))
    }

    /// Stops, and waits until the port is free.
    pub(crate) async fn shutdown(&mut self) {
        self.0.abort();
        // The task always ends with the error that it was aborted.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Accepts connections without end. They belong to this future and are closed with it.
async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(_) if state.drops_connection() => {}
                Ok((stream, _)) => match Arc::clone(&permits).try_acquire_owned() {
                    Ok(permit) => { connections.spawn(connection(stream, Arc::clone(&state), permit)); }
                    Err(_) => refuse(&stream),
                },
                // Most likely out of file descriptors: retry once a connection may have ended.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Refuses a connection. The client misses the response if it cannot be sent immediately.
fn refuse(stream: &TcpStream) {
    let exceeded = Exceeded { max: MAX_CONNECTIONS, of: "open connections" };
    let body = json!({ "detail": exceeded.to_string() }).to_string();
    let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close";
    let _ = stream.try_write(format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes());
}

async fn connection(stream: TcpStream, state: Arc<State>, _permit: OwnedSemaphorePermit) {
    // Only events are late if this fails, so the error is ignored.
    let _ = stream.set_nodelay(true);
    let break_point = BreakPoint::never();
    let wire = Wire::new(stream, break_point.clone());
    let session = Mutex::new(None);
    let service = service_fn(|request| exchange::respond(&state, request, &break_point, &session));
    // A connection fails when the client disconnects or a fault breaks it. Neither is an error of the emulator.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    http.max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
    let _ = http.serve_connection(TokioIo::new(wire), service).with_upgrades().await;
    let session = lock(&session).take();
    if let Some(session) = session {
        session.serve(&state).await;
    }
}
