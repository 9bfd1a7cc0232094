//! A TCP proxy that loses connections at chosen moments.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The moment at which a connection is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moment {
    /// The server does not receive the statement.
    Before,
    /// The server has run the statement, and the client does not receive the result.
    After,
}

/// Forwards connections to a server while it lives.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    faults: Arc<Faults>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Faults {
    /// A statement with these bytes loses its connection, once.
    cut: Mutex<Option<(Vec<u8>, Moment)>>,
    /// The number of later connections that are lost as well.
    refused: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn start(server: &str) -> io::Result<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let faults = Arc::new(Faults::default());
        let (server, shared) = (server.to_owned(), Arc::clone(&faults));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let take = |left: usize| left.checked_sub(1);
                if shared.refused.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err() {
                    let (server, faults) = (server.clone(), Arc::clone(&shared));
                    connections.spawn(async move { drop(forward(client, &server, &faults).await) });
                }
            }
        });
        Ok(Proxy { port, faults, _tasks: tasks })
    }

    /// Loses the connection of the next statement that binds a string, and a number of later connections.
    pub(crate) fn cut(&self, value: &str, moment: Moment, refused: usize) {
        // PostgreSQL's protocol has the length before each value, which tells it from the text of a statement.
        let mut bytes = u32::try_from(value.len()).unwrap_or_default().to_be_bytes().to_vec();
        bytes.extend(value.as_bytes());
        *self.faults.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some((bytes, moment));
        self.faults.refused.store(refused, Ordering::SeqCst);
    }

    /// Returns the number of connections that are still to be lost.
    pub(crate) fn refused(&self) -> usize {
        self.faults.refused.load(Ordering::SeqCst)
    }

    /// Returns true if all connections were lost that were to be lost.
    pub(crate) fn is_done(&self) -> bool {
        self.faults.cut.lock().unwrap_or_else(PoisonError::into_inner).is_none() && self.refused() == 0
    }
}

/// Forwards one connection until it ends or is lost.
async fn forward(mut client: TcpStream, server: &str, faults: &Faults) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut sent, mut received) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut is_cut = false;
    loop {
        tokio::select! {
            read = client.read(&mut sent) => {
                let sent = &sent[..read?];
                if sent.is_empty() {
                    return Ok(());
                }
                match faults.found(sent) {
                    Some(Moment::Before) => return Ok(()),
                    Some(Moment::After) => is_cut = true,
                    None => {}
                }
                server.write_all(sent).await?;
            }
            read = server.read(&mut received) => {
                let received = &received[..read?];
                if received.is_empty() || is_cut {
                    return Ok(());
                }
                client.write_all(received).await?;
            }
        }
    }
}

impl Faults {
    fn found(&self, sent: &[u8]) -> Option<Moment> {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, _) = cut.as_ref()?;
        match sent.windows(bytes.len()).any(|window| window == bytes) {
            true => cut.take().map(|(_, moment)| moment),
            false => None,
        }
    }
}
