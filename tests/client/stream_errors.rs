//! Errors of output streams: before they begin, within them, and of the connection.

use std::time::Duration;

use fal_client::{Error, ErrorKind, ErrorType, LockReason, RetryPolicy};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::authority::Authority;
use crate::support::queue::skip;
use crate::support::server::{Reply, Server};
use crate::support::unreachable::Unreachable;

/// Streams from a server with one reply. Returns the number of events and the error that ends them.
async fn failed(reply: Reply) -> (usize, Error) {
    let server = Server::start(move |_, _| reply.clone()).await;
    failed_on(&server).await
}

async fn failed_on(server: &Server) -> (usize, Error) {
    let mut stream = server.client().endpoint("a/b").stream(json!({ "prompt": "a fox in the snow" }));
    let mut events = 0;
    loop {
        match stream.next().await.expect("an error ends the stream") {
            Ok(_) => events += 1,
            Err(error) => {
                assert!(stream.next().await.is_none(), "{error}");
                assert_eq!(error.endpoint(), Some("a/b"));
                return (events, error);
            }
        }
    }
}

#[tokio::test]
async fn refusals_before_the_stream_are_the_errors_of_a_run() {
    let detail =
        r#"{"detail":[{"loc":["body","prompt"],"msg":"too long: a fox in the snow","type":"string_too_long"}]}"#;
    let (events, error) = failed(Reply::json(422, detail).header("x-fal-request-id", "R1")).await;
    assert!(events == 0 && error.is_invalid_input() && !error.may_have_been_accepted(), "{error}");
    assert_eq!((error.field_errors().len(), error.request_id()), (1, Some("R1")));
    assert!(!error.to_string().contains("fox in the snow"), "{error}");

    let (_, error) = failed(Reply::json(403, r#"{"detail":"User is locked. Reason: Exhausted balance."}"#)).await;
    assert_eq!(error.lock_reason(), Some(LockReason::ExhaustedBalance));
    let (_, error) = failed(Reply::json(401, r#"{"detail":"invalid key credentials"}"#)).await;
    assert!(error.is_unauthorized(), "{error}");
    let (_, error) = failed(Reply::json(404, r#"{"detail":"Path /stream not found"}"#)).await;
    assert!(error.to_string().contains("Path /stream not found"), "{error}");
    let (_, error) = failed(Reply::json(307, "").header("location", "https://x.y/")).await;
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    // An error status is an error, even if the body is a stream.
    let (events, error) = failed(Reply::text(500, "text/event-stream", "data: {\"x\":1}\n\n")).await;
    assert_eq!((events, error.status().map(|status| status.as_u16())), (0, Some(500)));
}

#[tokio::test]
async fn a_request_is_sent_again_only_if_fal_cannot_have_accepted_it() {
    for (reply, attempts, is_uncertain) in [
        (Reply::json(429, "{}"), 5, false),
        (Reply::json(503, "{}"), 1, true),
        (Reply::json(503, "{}").header("x-fal-request-id", "R1").header("x-fal-needs-retry", "1"), 1, false),
        (Reply::dropped(), 1, true),
        (Reply::text(200, "text/html", "<title>Log in</title>"), 1, true),
        (Reply::json(200, "{"), 1, true),
        (Reply::json(200, ""), 1, true),
        (Reply::json(200, "{}").header("content-encoding", "gzip"), 1, true),
        (Reply::events(&["1"]).header("content-encoding", "br"), 1, true),
    ] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let (events, error) = failed_on(&server).await;
        assert_eq!(
            (events, server.seen().len(), error.may_have_been_accepted()),
            (0, attempts, is_uncertain),
            "{error}"
        );
        assert!(!(is_uncertain && error.is_retryable()), "{error}");
    }
    let server = Server::start(|index, _| match index {
        0 => Reply::json(429, "{}"),
        _ => Reply::events(&["1"]),
    })
    .await;
    server.client().endpoint("a/b").stream(json!({})).finish().await.expect("an event");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn the_backup_host_is_used_only_without_a_connection() {
    let unreachable = Unreachable::bind();
    let authority = Authority::new();
    let backup = Server::start_tls(authority.acceptor.clone(), |_, _| Reply::events(&["1"])).await;
    let client = authority.client(unreachable.address(), backup.address());
    client.endpoint("a/b").stream(json!({ "prompt": "a" })).finish().await.expect("an event");
    assert_eq!(
        (backup.lines(), backup.seen()[0].header("host")),
        (vec!["POST /a/b/stream".to_owned()], Some("falrun.com"))
    );

    let torn = Server::start_tls(authority.acceptor.clone(), |_, _| Reply::events(&["1"]).torn()).await;
    let client = authority.client(torn.address(), backup.address());
    let error = client.endpoint("a/b").stream(json!({})).finish().await.expect_err("torn");
    assert!(error.may_have_been_accepted(), "{error}");
    assert_eq!((torn.seen().len(), backup.seen().len()), (1, 1));
}

#[tokio::test]
async fn a_lost_connection_is_an_error_after_the_events() {
    let chunk: &[u8] = b"data: 1\n\ndata: 2\n\ndata: 3";
    for reply in [
        Reply::chunks(&[chunk]),
        Reply::binary(200, "text/event-stream", chunk).torn(),
        Reply::chunks(&[chunk]).and("ffff\r\ndata: 4\n\n"),
    ] {
        let server = Server::start({
            let reply = reply.header("x-fal-request-id", "R1");
            move |_, _| reply.clone()
        })
        .await;
        let (events, error) = failed_on(&server).await;
        assert!(matches!(events, 2 | 3), "{events}");
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::Transport, Some("R1")));
        assert!(error.may_have_been_accepted() && !error.is_retryable(), "{error}");
        assert_eq!(server.seen().len(), 1, "a stream that has begun is never sent again");
    }
}

#[tokio::test]
async fn a_stream_that_ends_within_an_event_is_an_error() {
    // Without a length, a lost connection looks like the end.
    for cut in [r#"{"a":"#, r#"{"a":NaN,"b"#, r#""a fo"#, r#""a\"#, "[1, tru", "[", r#"{"a":"é\u12"#] {
        let body = format!("data: 1\n\ndata: {cut}");
        let (events, error) = failed(Reply::text(200, "text/event-stream", &body).unannounced()).await;
        assert_eq!((events, error.kind()), (1, ErrorKind::Transport), "{cut}");
        assert!(error.to_string().contains("ended within an event"), "{error}");
    }
}

#[tokio::test]
async fn error_events_are_typed_errors_with_their_data() {
    let node = r#"{"type":"error","node_id":"n","message":"Upstream failed","error":{"status":422,"body":{"detail":[{"loc":["body","x"],"msg":"required","type":"missing"}]}}}"#;
    for (event, data, status, words) in [
        ("event: error\ndata: {\"e\":1}\n\n", r#"{"e":1}"#, 200, "reported an error"),
        ("event: error\ndata: out of memory\n\n", "out of memory", 200, "out of memory"),
        (r#"{"detail":"the model is gone"}"#, "", 200, "the model is gone"),
        (r#"{"error":{"message":"a rate limit","code":"busy"}}"#, "", 200, "a rate limit"),
        (r#"{"error":"flagged","output":null}"#, "", 200, "flagged"),
        (r#"{"type":"error","message":"overloaded"}"#, "", 200, "overloaded"),
        (r#"{"status":"error","message":"no face found","status_code":400}"#, "", 400, "no face found"),
        (r#"{"type":"error","node_id":"n"}"#, "", 200, "the node \"n\" of the workflow reported an error"),
        (node, "", 422, "the node \"n\" of the workflow reported an error: Upstream failed: "),
    ] {
        let (block, data) = match data {
            "" => (format!("data: {event}\n\n"), event),
            data => (event.to_owned(), data),
        };
        let stream = format!("data: {{\"n\":1}}\n\n{block}data: {{\"n\":2}}\n\n");
        let reply = Reply::chunks(&[stream.as_bytes()]).complete().header("x-fal-request-id", "R1");
        let (events, error) = failed(reply).await;
        assert_eq!((events, error.kind(), error.request_id()), (1, ErrorKind::Service, Some("R1")), "{block}");
        assert_eq!(error.body().map(|body| &body[..]), Some(data.as_bytes()));
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{block}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.may_have_been_accepted() && !error.is_retryable(), "{error}");
    }
    let (_, error) = failed(Reply::events(&[node])).await;
    assert_eq!((error.is_invalid_input(), error.field_errors()[0].path()), (true, "x".to_owned()));
    assert_eq!(error.error_type(), Some(&ErrorType::Missing));
}

#[tokio::test]
async fn error_events_do_not_repeat_the_input() {
    let (_, error) = failed(Reply::events(&[r#"{"detail":"cannot draw a fox in the snow"}"#])).await;
    assert!(!format!("{error} {error:?}").contains("fox in the snow"), "{error}");
    assert!(error.to_string().contains("cannot draw"), "{error}");
}

#[tokio::test]
async fn a_large_event_is_an_error_and_smaller_ones_are_delivered() {
    let large = format!("\"{}\"", "x".repeat(100));
    for (body, events) in [
        (format!("data: 1\n\ndata: {large}\n\n"), 1),
        (format!("data: 1\n\ndata: {large}"), 1),
        (format!("data: {0}\ndata: {0}\n\n", "x".repeat(60)), 0),
        (format!("data: 1\n\n: {large}\n\nevent: {large}\ndata: 1\n\n"), 1),
    ] {
        let reply = Reply::chunks(&[body.as_bytes()]).complete().silent();
        let server = Server::start(move |_, _| reply.clone()).await;
        let mut stream = server.client().endpoint("a/b").stream(json!({})).max_event_size(100);
        for _ in 0..events {
            stream.next().await.expect("an event").expect("no error");
        }
        let error = stream.next().await.expect("an error").expect_err(&body);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert!(error.to_string().contains("the limit of 100 bytes") && error.may_have_been_accepted(), "{error}");
    }
    let reply = Reply::json(200, &large);
    let server = Server::start(move |_, _| reply.clone()).await;
    let error = server.client().endpoint("a/b").stream(json!({})).max_event_size(100).finish().await;
    assert!(error.expect_err("too large").to_string().contains("100 bytes"));
}

#[tokio::test]
async fn a_silent_stream_is_an_error() {
    let second = Duration::from_secs(1);
    for reply in [Reply::never(), Reply::chunks(&[]).silent(), Reply::chunks(&[b"data: 1\n\n"]).silent()] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let mut stream = server.client().endpoint("a/b").stream(json!({})).idle_timeout(30 * second);
        let silence = async {
            while server.seen().is_empty() {
                tokio::task::yield_now().await;
            }
            // The response arrives in real time.
            for _ in 0..31 {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                skip(second).await;
            }
        };
        let ended = async {
            loop {
                if let Err(error) = stream.next().await.expect("an error") {
                    break error;
                }
            }
        };
        let (error, ()) = tokio::join!(ended, silence);
        assert!(error.is_timeout() && error.may_have_been_accepted(), "{error}");
        assert!(error.to_string().contains("30s"), "{error}");
    }
}

#[tokio::test]
async fn the_time_limit_includes_all_events_and_comments_are_signs_of_life() {
    let second = Duration::from_secs(1);
    let events = |body| Reply::text(200, "text/event-stream", body).repeated();
    for (reply, idle) in [(Reply::never(), 300), (events(": ping\n\n"), 5), (events("data: 1\n\n"), 5)] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let stream = server.client().endpoint("a/b").stream(json!({}));
        let mut stream = stream.timeout(20 * second).idle_timeout(idle * second);
        let time = async {
            while server.seen().is_empty() {
                tokio::task::yield_now().await;
            }
            for _ in 0..21 {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                skip(second).await;
            }
        };
        let ended = async {
            loop {
                if let Err(error) = stream.next().await.expect("an error") {
                    break error;
                }
            }
        };
        let (error, ()) = tokio::join!(ended, time);
        assert!(error.is_timeout() && error.may_have_been_accepted(), "{error}");
        assert!(error.to_string().contains("the stream timed out after 20s"), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_without_end_is_an_error_after_a_minute() {
    let reply = Reply::text(500, "text/event-stream", ": ping\n\n").repeated();
    let server = Server::start(move |_, _| reply.clone()).await;
    let time = async {
        while server.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        for _ in 0..62 {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            skip(Duration::from_secs(1)).await;
        }
    };
    let ((_, error), ()) = tokio::join!(failed_on(&server), time);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(500), "{error}");
}

#[tokio::test]
async fn a_stream_that_is_not_accepted_in_time_may_be_repeated() {
    let unreachable = Unreachable::bind();
    let client = fal_client::Client::builder()
        .env_from(|_| None)
        .key("id:secret")
        .run_host(format!("http://{}", unreachable.address()))
        .queue_host(format!("http://{}", unreachable.address()))
        .retry(RetryPolicy::none())
        .build()
        .expect("a client");
    let error = client.endpoint("a/b").stream(json!({})).finish().await.expect_err("unreachable");
    assert!(error.is_connect() && error.is_retryable() && !error.may_have_been_accepted(), "{error}");
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection_and_gives_its_turn_back() {
    let reply = Reply::chunks(&[b"data: 1\n\n"]).silent();
    let server = Server::start(move |_, _| reply.clone()).await;
    let client = server.builder().max_in_flight(1).build().expect("a client");
    for _ in 0..3 {
        let mut stream = client.endpoint("a/b").stream(json!({}));
        assert!(stream.next().await.is_some_and(|event| event.is_ok()));
    }
    let reply = Reply::events(&["1"]);
    let server = Server::start(move |_, _| reply.clone()).await;
    let client = server.builder().max_in_flight(1).build().expect("a client");
    let mut ended = client.endpoint("a/b").stream(json!({}));
    while ended.next().await.is_some() {}
    let next: Value =
        client.endpoint("a/b").stream(json!({})).finish().await.expect("a turn").into_output().expect("1");
    assert_eq!(next, json!(1));
    drop(ended);
}

/// The nodes of a workflow run under the account of its caller.
#[tokio::test]
async fn an_account_that_is_locked_during_a_workflow_is_named_first() {
    for (event, reason) in [
        (
            json!({ "type": "error", "node_id": "upscale", "message": "The node has failed",
                "error": { "status": 403, "body": { "detail": "User is locked. Reason: TOP_UP." } } }),
            Some(LockReason::TopUp),
        ),
        (json!({ "error": { "status": 403, "detail": "The user in the picture: User is locked" } }), None),
        (json!({ "error": "User is locked. Reason: he lost the key" }), None),
    ] {
        let (_, error) = failed(Reply::events(&[&event.to_string()])).await;
        assert_eq!(error.lock_reason(), reason, "{error}");
        let begins =
            error.to_string().starts_with("the fal account is locked: TOP_UP. (403); top up at https://fal.ai");
        assert_eq!(begins, reason.is_some(), "{error}");
        assert!(!error.is_retryable(), "{error:?}");
        assert!(error.body().is_some_and(|body| body.starts_with(b"{")), "{error:?}");
    }
}
