//! The end of a connection, by either side.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::ErrorKind;
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, close, drain, receive, send};

#[tokio::test]
async fn normal_close_ends_the_stream() {
    let host = Host::start(async |index, mut socket| {
        send(&mut socket, [Message::text("1")]).await;
        match index {
            0 => close(&mut socket, 1000, "done").await,
            _ => drop(socket.send(Message::Close(None)).await),
        }
    })
    .await;
    for _ in 0..2 {
        let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
        assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!(1));
        assert!(connection.next().await.is_none() && connection.next().await.is_none());
        let error = connection.send(json!({})).await.expect_err("closed");
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.to_string().contains("the connection is closed"), "{error}");
        connection.close().await.expect("already closed");
    }
    host.all_closed().await;
}

#[tokio::test]
async fn other_close_codes_are_errors_with_the_reason() {
    for (code, reason) in [(1011, "Error while forwarding the request"), (1001, ""), (1008, "policy"), (4001, "mine")] {
        let host = Host::start(move |_, mut socket| async move {
            if code == 1008 {
                receive(&mut socket).await;
            }
            close(&mut socket, code, reason).await;
        })
        .await;
        let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
        if code == 1008 {
            connection.send(json!({})).await.expect("sent");
        }
        let error = connection.next().await.expect("the end").expect_err("an error");
        assert_eq!((error.close_code(), error.kind()), (Some(code), ErrorKind::Service));
        assert!(error.to_string().contains(reason) && error.to_string().contains(&code.to_string()), "{error}");
        // Only an input can be billed.
        assert_eq!(error.may_have_been_accepted(), code == 1008);
        assert_eq!((error.endpoint(), error.request_id()), (Some("a/b"), Some("R-0")));
        assert!(connection.next().await.is_none());
        let sending = connection.send(json!({})).await.expect_err("closed");
        assert_eq!(sending.close_code(), Some(code));
    }
}

#[tokio::test]
async fn torn_connection_is_an_error() {
    let host = Host::start(async |_, mut socket| drop(receive(&mut socket).await)).await;
    let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
    connection.send(json!({})).await.expect("sent");
    let error = connection.next().await.expect("the end").expect_err("an error");
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Transport, None));
    assert!(error.may_have_been_accepted() && !error.is_retryable(), "{error}");
    assert!(connection.next().await.is_none());
}

#[tokio::test]
async fn close_writes_the_queue_and_a_close_frame() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&ends);
    let host = Host::start(move |_, mut socket| {
        let log = Arc::clone(&log);
        async move {
            let end = drain(&mut socket).await;
            log.lock().expect("not poisoned").push((end.0.len(), end.1));
        }
    })
    .await;
    let client = host.client();
    let connect = || client.endpoint("a/b").realtime().send();
    let mut connection = connect().await.expect("connected");
    connection.feed(json!(1)).await.expect("queued");
    connection.feed(json!(2)).await.expect("queued");
    connection.close().await.expect("closed");
    host.all_closed().await;

    // The stream of a split connection ends after the sink has closed it.
    let (mut sink, mut stream) = connect().await.expect("connected").split();
    sink.feed(json!(1)).await.expect("queued");
    let (closed, next) = tokio::join!(sink.close(), stream.next());
    closed.expect("closed");
    assert!(next.is_none());
    drop(stream);
    host.all_closed().await;

    // Dropping a connection closes it; of a split one, both halves.
    drop(connect().await.expect("connected"));
    host.all_closed().await;
    let (sink, mut stream) = connect().await.expect("connected").split();
    drop(sink);
    assert!(std::pin::pin!(stream.next()).now_or_never().is_none());
    drop(stream);
    host.all_closed().await;
    let (sink, stream) = connect().await.expect("connected").split();
    drop(stream);
    drop(sink);
    host.all_closed().await;
    let ends = ends.lock().expect("not poisoned").clone();
    assert_eq!(ends, [(2, Some(1000)), (1, Some(1000)), (0, Some(1000)), (0, Some(1000)), (0, Some(1000))]);
}

#[tokio::test]
async fn halves_work_in_different_tasks() {
    const COUNT: usize = 2_000;
    let host = Host::start(async |_, mut socket| {
        while let Some(message) = receive(&mut socket).await {
            if message.is_close() || socket.send(message).await.is_err() {
                return;
            }
        }
    })
    .await;
    let (mut sink, stream) = host.client().endpoint("a/b").realtime().await.expect("connected").split();
    let sending = tokio::spawn(async move {
        for index in 0..COUNT {
            sink.send(json!({ "index": index, "padding": "x".repeat(1_000) })).await?;
        }
        Ok::<_, fal_client::Error>(sink)
    });
    let received: Vec<_> = stream.take(COUNT).collect().await;
    for (index, result) in received.into_iter().enumerate() {
        assert_eq!(result.expect("a result")["index"], index);
    }
    drop(sending.await.expect("not panicked").expect("sent"));
    host.all_closed().await;
}

#[tokio::test]
async fn too_large_message_is_an_error() {
    let host = Host::start(async |_, mut socket| {
        send(&mut socket, [Message::text("\"small\""), Message::binary(vec![0xc0; 2_000])]).await;
        drain(&mut socket).await;
    })
    .await;
    let mut connection = host.client().endpoint("a/b").realtime().max_message_size(1_000).await.expect("connected");
    assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!("small"));
    let error = connection.next().await.expect("a frame").expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert!(error.to_string().contains("exceeds the limit of 1000 bytes"), "{error}");
    assert!(connection.next().await.is_none());
}

#[tokio::test]
async fn silence_is_an_error_if_a_limit_is_set() {
    let host = Host::start(async |_, mut socket| drop(drain(&mut socket).await)).await;
    let endpoint = host.client().endpoint("a/b");
    let mut connection = endpoint.realtime().idle_timeout(Duration::from_secs(30)).await.expect("connected");
    // The clock advances as soon as nothing else happens.
    tokio::time::pause();
    let error = connection.next().await.expect("the end").expect_err("silent");
    assert!(error.is_timeout() && error.kind() == ErrorKind::Timeout, "{error}");
    assert!(connection.next().await.is_none());
    host.all_closed().await;
}

#[tokio::test]
async fn calls_outside_of_a_runtime_are_errors() {
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    let error = std::thread::spawn(move || {
        let connecting = client.endpoint("a/b").realtime().send();
        connecting.now_or_never().expect("ready").expect_err("no runtime")
    })
    .join()
    .expect("not panicked");
    assert!(error.to_string().contains("no tokio runtime"), "{error}");
}

#[tokio::test]
async fn rejected_connection_is_closed_although_fal_leaves_it_open() {
    let host = Host::start(async |_, mut socket| {
        send(&mut socket, [Message::text(r#"{"status":"error","error":"Unauthorized"}"#)]).await;
        assert_eq!(drain(&mut socket).await.1, Some(1000));
    })
    .await;
    let mut connection = host.client().endpoint("a/b").realtime().reconnect(true).await.expect("connected");
    let error = connection.next().await.expect("a frame").expect_err("rejected");
    assert!(error.is_unauthorized(), "{error}");
    assert!(connection.next().await.is_none());
    host.all_closed().await;
    let error = connection.send(json!({})).await.expect_err("closed");
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(host.lines().len(), 1);
}

#[tokio::test]
async fn caller_that_only_sends_responds_to_pings_and_loses_no_result() {
    let host = Host::start(async |_, mut socket| {
        send(&mut socket, [Message::Ping("p1".into()), Message::text("1"), Message::text("2")]).await;
        loop {
            match socket.next().await {
                Some(Ok(Message::Pong(payload))) => break assert_eq!(&payload[..], b"p1"),
                Some(Ok(_)) => {}
                other => panic!("no pong: {other:?}"),
            }
        }
        close(&mut socket, 1000, "").await;
    })
    .await;
    let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
    tokio::time::pause();
    loop {
        tokio::time::advance(Duration::from_secs(2)).await;
        if connection.send(json!({})).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!(1));
    assert_eq!(connection.next().await.expect("a frame").expect("a result"), json!(2));
    assert!(connection.next().await.is_none());
}

#[tokio::test]
async fn closing_has_a_time_limit() {
    let host = Host::start(async |_, _socket| std::future::pending().await).await;
    let client = host.client();
    let endpoint = client.endpoint("a/b");
    let connection = endpoint.realtime().await.expect("connected");
    let runs = endpoint.run_connection().await.expect("connected");
    // The clock advances as soon as nothing else happens.
    tokio::time::pause();
    for closed in [connection.close().await, runs.close().await] {
        let error = closed.expect_err("not confirmed");
        assert!(error.is_timeout() && error.endpoint() == Some("a/b"), "{error}");
    }
    // Half a connection waits for its inputs to be written.
    tokio::time::resume();
    let (mut sink, _stream) = endpoint.realtime().send_queue(1).await.expect("connected").split();
    tokio::time::pause();
    let large = json!({ "prompt": "x".repeat(8 << 20) });
    sink.feed(large).await.expect("queued");
    let error = sink.close().await.expect_err("not written");
    assert!(error.is_timeout() && error.endpoint() == Some("a/b"), "{error}");
}
