use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// An address that refuses connections. It holds the port, so that no server of another test gets it.
pub(crate) struct Unreachable(TcpSocket);

impl Unreachable {
    pub(crate) fn bind() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        Unreachable(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }
}
