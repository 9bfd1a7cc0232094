//! The queue of inputs while a connection cannot take more.

use std::sync::Arc;

use fal_client::realtime::SendPolicy;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, drain};

/// Starts a host that reads nothing before it is notified, and then counts. The last message has the indexes of all others.
async fn slow_host() -> (Host, Arc<Notify>, tokio::sync::mpsc::UnboundedReceiver<Vec<u64>>) {
    let (ready, (done, indexes)) = (Arc::new(Notify::new()), tokio::sync::mpsc::unbounded_channel());
    let wait = Arc::clone(&ready);
    let host = Host::start(move |_, mut socket| {
        let (wait, done) = (Arc::clone(&wait), done.clone());
        async move {
            wait.notified().await;
            let (messages, _) = drain(&mut socket).await;
            let index = |message: Message| {
                let value: Value = serde_json::from_slice(&message.into_data()).expect("JSON");
                value["index"].as_u64().expect("an index")
            };
            let _ = done.send(messages.into_iter().map(index).collect());
        }
    })
    .await;
    (host, ready, indexes)
}

fn input(index: u64) -> Value {
    json!({ "index": index, "padding": "x".repeat(1 << 20) })
}

#[tokio::test]
async fn newest_inputs_win_without_waiting() {
    const COUNT: u64 = 20;
    let (host, ready, mut indexes) = slow_host().await;
    let connecting = host.client().endpoint("a/b").realtime().json();
    let mut connection = connecting.send_policy(SendPolicy::NewestWins).send_queue(2).await.expect("connected");
    for index in 0..COUNT {
        let mut sending = std::pin::pin!(connection.send(input(index)));
        assert!(sending.as_mut().now_or_never().is_some(), "input {index} waits");
    }
    ready.notify_one();
    connection.close().await.expect("closed");
    let indexes = indexes.recv().await.expect("indexes");
    assert!(indexes.is_sorted() && indexes.ends_with(&[COUNT - 2, COUNT - 1]), "{indexes:?}");
    assert!(indexes.len() < COUNT as usize, "all were sent");
}

#[tokio::test]
async fn back_pressure_loses_nothing() {
    const COUNT: u64 = 20;
    let (host, ready, mut indexes) = slow_host().await;
    let mut connection = host.client().endpoint("a/b").realtime().json().send_queue(0).await.expect("connected");
    let mut waited = false;
    for index in 0..COUNT {
        let mut sending = std::pin::pin!(connection.send(input(index)));
        if sending.as_mut().now_or_never().is_none() {
            waited = true;
            ready.notify_one();
            sending.await.expect("sent");
        }
    }
    connection.close().await.expect("closed");
    let expected: Vec<u64> = (0..COUNT).collect();
    assert!(waited, "nothing waited");
    assert_eq!(indexes.recv().await.expect("indexes"), expected);
}

#[tokio::test]
async fn reading_writes_the_queue() {
    let (host, ready, mut indexes) = slow_host().await;
    let connecting = host.client().endpoint("a/b").realtime().json();
    let mut connection = connecting.send_policy(SendPolicy::NewestWins).send_queue(100).await.expect("connected");
    for index in 0..16 {
        connection.send(input(index)).await.expect("queued");
    }
    ready.notify_one();
    let (mut sink, mut stream) = connection.split();
    let reading = tokio::spawn(async move { stream.next().await.is_none() });
    sink.flush().await.expect("written");
    sink.close().await.expect("closed");
    assert!(reading.await.expect("not panicked"), "the stream ends after the close");
    assert_eq!(indexes.recv().await.expect("indexes").len(), 16);
}
