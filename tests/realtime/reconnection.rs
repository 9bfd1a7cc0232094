//! Lost connections that are opened again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{ErrorKind, RetryPolicy};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, close, json as response, receive, send};

#[tokio::test]
async fn lost_connections_are_opened_again_without_sending_inputs_twice() {
    let inputs = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&inputs);
    let host = Host::start(move |index, mut socket| {
        let log = Arc::clone(&log);
        async move {
            match index {
                0 => {
                    let first = receive(&mut socket).await.expect("an input").into_text().expect("text");
                    log.lock().expect("not poisoned").push((index, first.to_string()));
                    // Torn, without a response.
                }
                1 => close(&mut socket, 1011, "Error while forwarding the request").await,
                _ => {
                    send(&mut socket, [Message::text("\"ready\"")]).await;
                    let next = receive(&mut socket).await.expect("an input").into_text().expect("text");
                    log.lock().expect("not poisoned").push((index, next.to_string()));
                    send(&mut socket, [Message::text("\"done\"")]).await;
                    close(&mut socket, 1000, "").await;
                }
            }
        }
    })
    .await;
    let mut connection = host.client().endpoint("a/b").realtime().json().reconnect(true).await.expect("connected");
    connection.send(json!(1)).await.expect("sent");
    assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!("ready"));
    assert_eq!((connection.reconnects(), connection.request_id().as_deref()), (2, Some("R-2")));
    connection.send(json!(2)).await.expect("sent");
    assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!("done"));
    // A normal close is not a loss.
    assert!(connection.next().await.is_none());
    assert_eq!(inputs.lock().expect("not poisoned")[..], [(0, "1".to_owned()), (2, "2".to_owned())]);
    assert_eq!(host.lines().len(), 3);
}

#[tokio::test]
async fn connections_that_are_always_lost_end_with_the_last_error() {
    let host = Host::start(async |_, mut socket| close(&mut socket, 1011, "no runner").await).await;
    let mut connection = host.client().endpoint("a/b").realtime().reconnect(true).await.expect("connected");
    let error = connection.next().await.expect("the end").expect_err("lost");
    assert_eq!((error.close_code(), connection.reconnects()), (Some(1011), 5));
    assert!(connection.next().await.is_none());
    assert_eq!(host.lines().len(), 6);
}

#[tokio::test]
async fn close_codes_of_the_application_are_final() {
    for code in [1008, 4000, 3000] {
        let host = Host::start(move |_, mut socket| async move { close(&mut socket, code, "").await }).await;
        let mut connection = host.client().endpoint("a/b").realtime().reconnect(true).await.expect("connected");
        let error = connection.next().await.expect("the end").expect_err("closed");
        assert_eq!((error.close_code(), host.lines().len()), (Some(code), 1));
    }
}

#[tokio::test]
async fn failed_reconnection_is_told_to_both_halves() {
    let respond = |index: usize, _: &_| (index > 0).then(|| response(403, r#"{"detail":"User is locked"}"#));
    let host = Host::start_with(respond, async |_, _| {}).await;
    let client =
        host.builder().retry(RetryPolicy::none().first_delay(Duration::from_millis(1))).build().expect("a client");
    let (mut sink, mut stream) = client.endpoint("a/b").realtime().reconnect(true).await.expect("connected").split();
    let error = stream.next().await.expect("the end").expect_err("lost");
    assert!(error.is_account_locked(), "{error}");
    let error = sink.send(json!({})).await.expect_err("closed");
    assert!(error.is_account_locked() && error.kind() == ErrorKind::Service, "{error}");
    assert!(stream.next().await.is_none());
}
