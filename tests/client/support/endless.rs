use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Starts a server that responds to every request with `first`, and then with `again` without end. It runs on a thread
/// of its own, so that it never waits for the client.
pub(crate) fn endless(first: &'static str, again: &'static str) -> String {
    format!("http://{}", start(None, first, again).0)
}

/// Starts such a server that speaks TLS, and returns it with the number of its requests.
pub(crate) fn endless_tls(
    tls: TlsAcceptor,
    first: &'static str,
    again: &'static str,
) -> (SocketAddr, Arc<AtomicUsize>) {
    start(Some(tls), first, again)
}

fn start(tls: Option<TlsAcceptor>, first: &'static str, again: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let (sender, receiver) = mpsc::channel();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            sender.send(listener.local_addr().expect("an address")).expect("a receiver");
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, counter) = (tls.clone(), Arc::clone(&counter));
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => serve(tls.accept(stream).await?, &counter, first, again).await,
                        None => serve(stream, &counter, first, again).await,
                    }
                });
            }
        });
    });
    (receiver.recv().expect("an address"), requests)
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    requests: &AtomicUsize,
    first: &str,
    again: &str,
) -> std::io::Result<()> {
    if stream.read(&mut [0; 4096]).await? > 0 {
        requests.fetch_add(1, SeqCst);
    }
    stream.write_all(first.as_bytes()).await?;
    let again = again.repeat((64 << 10) / again.len());
    loop {
        stream.write_all(again.as_bytes()).await?;
    }
}
