use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::faults::break_point::BreakPoint;
use crate::http::exchange;
use crate::http::wire::Wire;
use crate::state::State;

/// A port of the loopback interface.
pub(crate) struct Port {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Port {
    /// Takes a port; 0 is any free one.
    pub(crate) async fn listen(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Port { listener, address })
    }
}

/// What serves a port. Dropped, it ends at once, with all of its connections.
pub(crate) struct Server(JoinHandle<()>);

impl Server {
    pub(crate) fn start(port: Port, state: Arc<State>) -> Self {
        Server(tokio::spawn(serve(port.listener, state)))
    }

    /// Ends, and waits until the port is free.
    pub(crate) async fn shutdown(&mut self) {
        self.0.abort();
        // The error says that it was aborted.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes connections for ever. They belong to this future and end with it.
async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(_) if state.drops_connection() => {}
                Ok((stream, _)) => { connections.spawn(connection(stream, Arc::clone(&state))); }
                // Out of file descriptors, most likely: some connection has to end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    // Without it, events are late; the connection works all the same.
    let _ = stream.set_nodelay(true);
    let break_point = BreakPoint::never();
    let wire = Wire::new(stream, break_point.clone());
    let service = service_fn(|request| exchange::respond(&state, request, &break_point));
    // A connection ends with an error when the client went away or a fault dropped it. There is nobody to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
}
