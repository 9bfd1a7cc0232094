//! The requests of output streams on the wire, compared with those of fal's own clients.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{ErrorKind, Lifecycle};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::server::{KEY, Reply, Server};

async fn server() -> Server {
    Server::start(|_, _| Reply::events(&["1"])).await
}

#[tokio::test]
async fn a_stream_posts_the_input_below_the_endpoint() {
    let server = server().await;
    for (id, path) in [
        ("fal-ai/any-llm", "/run/fal-ai/any-llm/stream"),
        ("fal-ai/any-llm/stream", "/run/fal-ai/any-llm/stream"),
        ("fal-ai/flux/dev", "/run/fal-ai/flux/dev/stream"),
        ("110602490-lcm", "/run/110602490/lcm/stream"),
        ("workflows/me/wf/sub", "/run/workflows/me/wf/sub/stream"),
    ] {
        server.client().endpoint(id).stream(json!({ "prompt": "a" })).finish().await.expect("an event");
        let seen = server.seen().pop().expect("a request");
        assert_eq!((seen.line(), seen.json()), (format!("POST {path}"), json!({ "prompt": "a" })));
        assert_eq!(seen.header("authorization"), Some(&*format!("Key {KEY}")));
        assert_eq!(
            (seen.header("accept"), seen.header("content-type")),
            (Some("text/event-stream"), Some("application/json"))
        );
    }
}

#[tokio::test]
async fn another_path_streams_too() {
    let server = server().await;
    for (path, expected) in [
        ("", "POST /run/a/b"),
        ("/", "POST /run/a/b"),
        ("v1/chat/completions", "POST /run/a/b/v1/chat/completions"),
        ("//live/", "POST /run/a/b/live"),
        ("stream", "POST /run/a/b/stream"),
    ] {
        server.client().endpoint("a/b").stream(json!({})).path(path).finish().await.expect("an event");
        assert_eq!(server.lines().pop().as_deref(), Some(expected), "{path}");
    }
    let count = server.seen().len();
    for path in ["../c", "x?y=z", "a//b", "x#y", "é"] {
        let error = server.client().endpoint("a/b").stream(json!({})).path(path).finish().await.expect_err(path);
        assert_eq!((error.kind(), error.may_have_been_accepted()), (ErrorKind::EndpointId, false), "{path}");
    }
    assert_eq!(server.seen().len(), count);
}

#[tokio::test]
async fn options_are_sent() {
    let server = server().await;
    let lifecycle = Lifecycle::expires_after(std::time::Duration::from_secs(60));
    let stream = server.client().endpoint("a/b").stream(json!({ "prompt": "a" }));
    let stream = stream.header("x-a", "b").tags([("team", "c")]).lifecycle(&lifecycle).store_io(false).extra("more", 1);
    stream.finish().await.expect("an event");
    let seen = server.seen().pop().expect("a request");
    assert_eq!(seen.json(), json!({ "prompt": "a", "more": 1 }));
    for (name, value) in [
        ("x-a", "b"),
        ("x-fal-tags", "team=c"),
        ("x-fal-store-io", "0"),
        ("x-fal-object-lifecycle-preference", r#"{"expiration_duration_seconds":60}"#),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_poll_or_with_an_invalid_input() {
    let server = server().await;
    let endpoint = server.client().endpoint(redux::ENDPOINT);
    let input = || redux::Input::builder().image_url("https://x.y/z").num_images(99);
    drop(endpoint.stream(input()));
    let mut stream = endpoint.stream(input());
    let error = stream.next().await.expect("an error").expect_err("invalid");
    assert_eq!((error.kind(), error.field_errors().len()), (ErrorKind::InvalidInput, 1));
    assert!(stream.next().await.is_none());
    let error = endpoint.stream(input()).header("content-type", "x").finish().await.expect_err("invalid");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(server.seen().is_empty());
    endpoint.stream(input()).validate(false).finish().await.expect("an event");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn without_a_runtime_a_stream_is_an_error() {
    let client = fal_client::Client::builder().key(KEY).build().expect("a client");
    let stream = client.endpoint("a/b").stream(json!({}));
    let error = futures_util::FutureExt::now_or_never(stream.finish()).expect("no wait").expect_err("no runtime");
    assert!(error.kind() == ErrorKind::Configuration && error.to_string().contains("tokio"), "{error}");
}
