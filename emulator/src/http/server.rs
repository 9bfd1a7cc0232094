use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::http::connection;
use crate::response::exceeded::Exceeded;
use crate::state::State;

/// The most open connections.
const MAX_CONNECTIONS: usize = 8_192;

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
pub(crate) struct Server {
    task: JoinHandle<()>,
    #[cfg(feature = "tls")]
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(port: Port, state: Arc<State>) -> Self {
        Server {
            #[cfg(feature = "tls")]
            port: port.address.port(),
            task: tokio::spawn(serve(port.listener, state)),
        }
    }

    /// Stops, and waits until the port is free.
    pub(crate) async fn shutdown(&mut self) {
        self.task.abort();
        // The task always ends with the error that it was aborted.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
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
                    Ok(permit) => { let state = Arc::clone(&state);
                        connections.spawn(async move {
                            connection::serve(stream, &state).await;
                            drop(permit);
                        });
                     }
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
