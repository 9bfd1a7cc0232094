//! Direct runs over one connection.

use std::time::Duration;

use fal_client::{Client, ErrorKind, JsonInput};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, KEY, Socket, close, json as response, receive, send};

/// Starts a host that responds to the run with each index with some frames.
async fn host(runs: Vec<Vec<Message>>) -> Host {
    Host::start(move |_, socket| respond(socket, runs.clone())).await
}

async fn respond(mut socket: Socket, runs: Vec<Vec<Message>>) {
    for frames in runs {
        receive(&mut socket).await;
        send(&mut socket, frames).await;
    }
    receive(&mut socket).await;
}

fn start(id: &str, status: u16, headers: Value) -> Message {
    Message::text(json!({ "type": "start", "request_id": id, "status": status, "headers": headers }).to_string())
}

fn end(id: &str) -> Message {
    let end = json!({ "type": "end", "request_id": id, "status": 200, "time_to_first_byte_seconds": 0.1 });
    Message::text(end.to_string())
}

#[tokio::test]
async fn runs_follow_each_other_on_one_connection() {
    let host = Host::start(async |_, mut socket| {
        for (id, body) in [("q1", r#"{"seed":1}"#), ("q2", r#"{"type":"x","request_id":3}"#)] {
            let Some(Message::Text(input)) = receive(&mut socket).await else { panic!("expected text") };
            assert_eq!(input.as_str(), format!(r#"{{"prompt":"{id}"}}"#));
            let headers = json!({ "x-fal-billable-units": "2.5", "content-type": "application/json", "x-n": 1 });
            // The parts are text or bytes.
            let (head, tail) = body.split_at(4);
            let parts = [Message::text(head), Message::Ping("p".into()), Message::binary(tail.as_bytes().to_vec())];
            send(&mut socket, [start(id, 200, headers)].into_iter().chain(parts).chain([end(id)])).await;
        }
        receive(&mut socket).await;
    })
    .await;
    let client = host.client();
    let mut connection = client.endpoint("ada/sketch/fast").run_connection().await.expect("connected");
    let first = connection.run(json!({ "prompt": "q1" })).await.expect("a response");
    assert_eq!((first.data, first.request_id.as_deref()), (json!({ "seed": 1 }), Some("q1")));
    assert_eq!(first.billable_units, Some(2.5));
    assert_eq!(first.headers["x-n"], "1");
    let second = connection.run(json!({ "prompt": "q2" })).await.expect("a response");
    assert_eq!((second.data["request_id"].as_u64(), second.request_id.as_deref()), (Some(3), Some("q2")));
    connection.close().await.expect("closed");
    let seen = host.seen().remove(0);
    assert_eq!(seen.line, "GET /ws/ada/sketch/fast");
    assert_eq!(seen.header("authorization"), Some(format!("Key {KEY}").as_str()));
}

#[tokio::test]
async fn failed_runs_are_the_errors_of_direct_runs_and_the_connection_goes_on() {
    let invalid = r#"{"detail":[{"loc":["body","prompt"],"msg":"Field required","type":"missing"}]}"#;
    let host = host(vec![
        vec![start("q1", 422, json!({ "x-fal-billable-units": "0" })), Message::text(invalid), end("q1")],
        vec![start("q2", 503, json!({ "x-fal-error-type": "runner_disconnected" })), Message::text("{}"), end("q2")],
        vec![start("q3", 502, json!({})), end("q3")],
        vec![start("q4", 200, json!({})), Message::text("[1"), end("q4")],
        vec![start("q5", 200, json!({})), Message::text("[1]"), end("q5")],
    ])
    .await;
    let mut connection = host.client().endpoint("a/b").run_connection().await.expect("connected");
    let mut run = async || connection.run(json!({})).await;
    let error = run().await.expect_err("invalid");
    assert!(error.is_invalid_input() && error.field_errors().len() == 1 && !error.may_have_been_accepted(), "{error}");
    assert_eq!((error.endpoint(), error.request_id()), (Some("a/b"), Some("q1")));
    let error = run().await.expect_err("lost");
    assert!(error.is_retryable() && !error.may_have_been_accepted(), "{error}");
    let error = run().await.expect_err("a gateway");
    assert!(error.may_have_been_accepted(), "{error}");
    let error = run().await.expect_err("cut");
    assert!(error.kind() == ErrorKind::UnexpectedResponse && error.may_have_been_accepted(), "{error}");
    assert_eq!(run().await.expect("a response").data, json!([1]));
}

#[tokio::test]
async fn frames_out_of_order_end_the_connection() {
    for (frames, words) in [
        (vec![Message::text("{}")], "does not begin a response"),
        (vec![end("q1")], "does not begin a response"),
        (vec![start("q1", 200, json!({})), end("q2")], "a frame of another"),
        (vec![start("q1", 200, json!({})), start("q2", 200, json!({}))], "a frame of another"),
        (vec![start("q1", 99, json!({}))], "status 99"),
    ] {
        let host = host(vec![frames]).await;
        let mut connection = host.client().endpoint("a/b").run_connection().await.expect("connected");
        let error = connection.run(json!({})).await.expect_err(words);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert!(error.to_string().contains(words) && error.may_have_been_accepted(), "{error}");
        let error = connection.run(json!({})).await.expect_err("unusable");
        assert!(error.to_string().contains("open another") && !error.may_have_been_accepted(), "{error}");
    }
}

#[tokio::test]
async fn lost_connection_may_have_billed_the_run() {
    let host = Host::start(async |index, mut socket| {
        receive(&mut socket).await;
        if index == 0 {
            send(&mut socket, [start("q1", 200, json!({})), Message::text("{")]).await;
        } else {
            close(&mut socket, 1011, "Error while forwarding the request").await;
        }
    })
    .await;
    let client = host.client();
    let run = async || {
        let mut connection = client.endpoint("a/b").run_connection().await.expect("connected");
        connection.run(json!({})).await.expect_err("lost")
    };
    let error = run().await;
    assert!(error.kind() == ErrorKind::Transport && error.may_have_been_accepted(), "{error}");
    assert_eq!(error.request_id(), Some("q1"));
    let error = run().await;
    assert_eq!(error.close_code(), Some(1011));
    assert!(error.may_have_been_accepted(), "{error}");
}

#[tokio::test]
async fn invalid_inputs_and_large_responses_are_errors() {
    use fal_client::FileInput;

    let host = Host::start(async |index, mut socket| {
        receive(&mut socket).await;
        let part = Message::text("x".repeat(60));
        let parts = if index == 0 { vec![part.clone(), part] } else { vec![Message::text("x".repeat(120))] };
        send(&mut socket, [start("q1", 200, Value::Null)].into_iter().chain(parts)).await;
        receive(&mut socket).await;
    })
    .await;
    let client = host.builder().max_output_size(100).build().expect("a client");
    let mut connection = client.endpoint("a/b").run_connection().await.expect("connected");
    let input = JsonInput::from(json!({})).file("image", FileInput::path("/nowhere/a.png")).expect("a file");
    let error = connection.run(input).await.expect_err("no such file");
    assert_eq!((error.kind(), error.may_have_been_accepted()), (ErrorKind::File, false));
    let mut other = client.endpoint("a/b").run_connection().await.expect("connected");
    // Two frames, and one.
    for connection in [&mut connection, &mut other] {
        let error = connection.run(json!({})).await.expect_err("too large");
        assert!(error.to_string().contains("limit of 100 bytes") && error.may_have_been_accepted(), "{error}");
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::UnexpectedResponse, Some("q1")));
    }
}

#[tokio::test]
async fn abandoned_run_ends_the_connection() {
    let host = Host::start(async |_, mut socket| while receive(&mut socket).await.is_some() {}).await;
    let mut connection = host.client().endpoint("a/b").run_connection().await.expect("connected");
    assert!(std::pin::pin!(connection.run(json!({}))).now_or_never().is_none());
    let error = connection.run(json!({})).await.expect_err("unusable");
    assert!(error.to_string().contains("abandoned"), "{error}");
    drop(connection);
    host.all_closed().await;
}

#[tokio::test]
async fn the_host_is_derived_or_configured() {
    let host = Host::start_with(|_, _| Some(response(401, "{}")), async |_, _| {}).await;
    let error = host.client().endpoint("a/b").run_connection().await.expect_err("refused");
    assert!(error.is_unauthorized(), "{error}");
    let client = Client::builder().key(KEY).run_host("http://127.0.0.1:9/run").queue_host("http://127.0.0.1:9/queue");
    let error = client.build().expect("a client").endpoint("a/b").run_connection().await.expect_err("no host");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("FAL_WS_RUN_HOST"), "{error}");
}

#[tokio::test]
async fn connection_that_was_closed_in_between_bills_nothing() {
    for is_torn in [false, true] {
        let host = Host::start(move |_, mut socket| async move {
            receive(&mut socket).await;
            send(&mut socket, [start("q1", 200, json!({})), Message::text("1"), end("q1"), Message::Ping("p".into())])
                .await;
            if !is_torn {
                close(&mut socket, 1001, "idle").await;
            }
        })
        .await;
        let mut connection = host.client().endpoint("a/b").run_connection().await.expect("connected");
        connection.run(json!({})).await.expect("a response");
        if is_torn {
            host.all_closed().await;
        }
        // The close may still be on its way.
        let error = loop {
            tokio::task::yield_now().await;
            if let Err(error) = connection.run(json!({})).await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        if is_torn {
            assert!(!error.may_have_been_accepted() && error.is_retryable(), "{error}");
        }
    }
}

#[tokio::test]
async fn word_of_fal_instead_of_a_response_is_its_error() {
    for (frame, error_type, is_unauthorized) in [
        (
            json!({ "type": "x-fal-error", "error": "INTERNAL_ERROR", "reason": "no room" }),
            Some("INTERNAL_ERROR"),
            false,
        ),
        (json!({ "status": "error", "error": "Unauthorized" }), None, true),
    ] {
        let host = host(vec![vec![Message::text(frame.to_string())]]).await;
        let mut connection = host.client().endpoint("a/b").run_connection().await.expect("connected");
        let error = connection.run(json!({})).await.expect_err("an error");
        assert_eq!(error.error_type().map(|error_type| error_type.as_str()), error_type);
        assert_eq!((error.is_unauthorized(), error.may_have_been_accepted()), (is_unauthorized, !is_unauthorized));
    }
    let frame = r#"{"type":"error","request_id":"q1","detail":"no room"}"#;
    let host = host(vec![vec![Message::text(frame)]]).await;
    let mut connection = host.client().endpoint("a/b").run_connection().await.expect("connected");
    let error = connection.run(json!({})).await.expect_err("an error");
    assert!(error.may_have_been_accepted() && error.to_string().contains("see `Error::body`"), "{error}");
    assert_eq!(error.body().map(|body| &body[..]), Some(frame.as_bytes()));
}

#[tokio::test]
async fn response_that_stops_times_out() {
    let host = host(vec![vec![start("q1", 200, json!({})), Message::text("{")]]).await;
    let client = host.builder().idle_timeout(Duration::from_secs(1)).build().expect("a client");
    let mut connection = client.endpoint("a/b").run_connection().await.expect("connected");
    let error = connection.run(json!({})).await.expect_err("silence");
    assert!(error.is_timeout() && error.may_have_been_accepted(), "{error}");
    assert_eq!(error.request_id(), Some("q1"));
}
