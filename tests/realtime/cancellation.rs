//! Dropped futures and connections: what they have opened is closed, and no task of theirs is left.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fal_client::{Client, Error, RetryPolicy};
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::host::{self, Host, drain, receive, send};

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

async fn ended(before: usize) {
    let ended = async {
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), ended).await.expect("the tasks are gone");
}

/// Waits until all connections of a host are closed, and no more tasks are alive than before.
async fn gone(host: &Host, before: usize) {
    timeout(Duration::from_secs(60), host.all_closed()).await.expect("the connections are closed");
    ended(before).await;
}

type Opening = fn(Client) -> BoxFuture<'static, ()>;

fn opened<T>(opening: impl Future<Output = Result<T, Error>> + Send + 'static) -> BoxFuture<'static, ()> {
    opening.map(|opened| assert!(opened.is_err(), "the host does not complete the handshake")).boxed()
}

#[tokio::test]
async fn handshakes_leave_no_connection_and_no_task() {
    let openings: [Opening; 3] = [
        |client| opened(client.endpoint("a/b").realtime().send()),
        // The request for the token is held.
        |client| opened(client.endpoint("a/b").realtime().token_auth().send()),
        |client| opened(client.endpoint("a/b").run_connection().send()),
    ];
    for opening in openings {
        for beginning in ["", "HTTP/1.1 101 Switching", "HTTP/1.1 500 Error\r\ncontent-length: 9\r\n\r\nbro"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let base = format!("http://{}", listener.local_addr().expect("an address"));
            let builder = Client::builder().env_from(|_| None).key("id:secret").retry(RetryPolicy::none());
            let builder = builder.run_host(&base).queue_host(&base).rest_host(&base).ws_host(&base);
            let before = tasks();
            let mut opening = opening(builder.build().expect("a client"));
            let held = async {
                let mut connection = listener.accept().await.expect("a connection").0;
                let read = connection.read(&mut [0; 1024]).await.expect("a request");
                assert!(read > 0);
                connection.write_all(beginning.as_bytes()).await.expect("sent");
                connection
            };
            let mut connection = tokio::select! {
                biased;
                connection = held => connection,
                () = &mut opening => panic!("the handshake ended"),
            };
            // What has arrived is processed first.
            assert!(opening.as_mut().now_or_never().is_none());
            drop(opening);
            drop(tokio::io::copy(&mut connection, &mut tokio::io::sink()).await);
            ended(before).await;
        }
    }
}

#[tokio::test]
async fn dropped_connections_are_closed() {
    let host = Host::start(async |_, mut socket| drop(drain(&mut socket).await)).await;
    let before = tasks();
    let endpoint = host.client().endpoint("a/b");

    drop(endpoint.realtime().await.expect("connected"));
    gone(&host, before).await;
    drop(endpoint.run_connection().await.expect("connected"));
    gone(&host, before).await;
    let (sink, stream) = endpoint.realtime().await.expect("connected").split();
    drop(stream);
    drop(sink);
    gone(&host, before).await;

    // Each waits for the host, and is dropped with the connection.
    let mut connection = endpoint.realtime().await.expect("connected");
    assert!(connection.next().now_or_never().is_none());
    drop(connection);
    gone(&host, before).await;
    let mut connection = endpoint.run_connection().await.expect("connected");
    assert!(connection.run(json!({})).now_or_never().is_none());
    drop(connection);
    gone(&host, before).await;
}

#[tokio::test]
async fn connections_that_the_host_does_not_read_are_closed() {
    let full = Arc::new(Notify::new());
    let read = Arc::clone(&full);
    let host = Host::start(move |_, mut socket| {
        let read = Arc::clone(&read);
        async move {
            read.notified().await;
            drain(&mut socket).await;
        }
    })
    .await;
    let before = tasks();
    let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
    let input = json!({ "text": "x".repeat(1 << 20) });
    while connection.send(input.clone()).now_or_never().is_some() {}
    drop(connection);
    full.notify_one();
    gone(&host, before).await;
}

#[tokio::test]
async fn closing_that_is_not_confirmed_can_be_dropped() {
    let host = Host::start(async |_, mut socket| {
        // It reads without a response to the close frame.
        let stream = socket.get_mut();
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    })
    .await;
    let before = tasks();
    let connection = host.client().endpoint("a/b").realtime().await.expect("connected");
    assert!(connection.close().now_or_never().is_none());
    gone(&host, before).await;
}

#[tokio::test]
async fn reconnections_end_with_the_connection() {
    // The first connection is lost. The handshake of the second has no response.
    let host = Host::start_with(
        |index, _| (index > 0).then(|| host::json(503, "{}")),
        async |_, mut socket| drop(receive(&mut socket).await),
    )
    .await;
    let before = tasks();
    let retry = RetryPolicy::default().first_delay(Duration::from_secs(3600)).max_delay(Duration::from_secs(3600));
    let client = host.builder().retry(retry).build().expect("a client");
    let mut connection = client.endpoint("a/b").realtime().reconnect(true).await.expect("connected");
    connection.send(json!({})).await.expect("sent");
    {
        let mut next = pin!(connection.next());
        tokio::select! {
            biased;
            () = host.all_closed() => {}
            _ = &mut next => panic!("the connection is opened again"),
        }
        assert!(next.as_mut().now_or_never().is_none());
    }
    drop(connection);
    gone(&host, before).await;
}

#[tokio::test]
async fn dropped_futures_of_a_connection_leave_it_usable() {
    let host = Host::start(async |_, mut socket| {
        while let Some(Message::Binary(_)) = receive(&mut socket).await {
            send(&mut socket, [Message::text("1")]).await;
        }
        let _ = socket.close(None).await;
        while socket.next().await.is_some() {}
    })
    .await;
    let before = tasks();
    let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
    for _ in 0..3 {
        assert!(connection.next().now_or_never().is_none(), "nothing was sent");
        connection.send(json!({})).await.expect("sent");
        assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!(1));
    }
    connection.close().await.expect("closed");
    gone(&host, before).await;
}
