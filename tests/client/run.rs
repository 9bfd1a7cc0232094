//! Direct runs: requests, responses and errors.

use std::time::Duration;

use fal_client::{Error, ErrorKind, ErrorType};
use serde_json::{Value, json};

use crate::support::server::{KEY, Reply, Server};
use crate::support::unreachable::Unreachable;

async fn run_with(reply: Reply) -> Result<fal_client::Response<Value>, Error> {
    let server = Server::start(move |_, _| reply.clone()).await;
    server.client().endpoint("fal-ai/flux/dev").run(json!({ "prompt": "a" })).await
}

async fn refused(reply: Reply) -> Error {
    run_with(reply).await.expect_err("an error")
}

#[tokio::test]
async fn run_posts_the_input_and_returns_the_response() {
    let server = Server::start(|_, _| {
        Reply::json(200, r#"{"ok":1}"#)
            .header("x-fal-request-id", "R1")
            .header("x-fal-billable-units", "3.5")
            .header("x-fal-served-from", "there")
    })
    .await;
    let response = server.client().endpoint("fal-ai/flux/dev").run(json!({ "prompt": "é" })).await.expect("a response");
    assert_eq!((response.data, response.request_id.as_deref()), (json!({ "ok": 1 }), Some("R1")));
    assert_eq!((response.billable_units, response.served_from.as_deref()), (Some(3.5), Some("there")));
    assert_eq!(&response.body[..], br#"{"ok":1}"#);

    let seen = &server.seen()[0];
    assert_eq!((seen.line().as_str(), seen.json()), ("POST /run/fal-ai/flux/dev", json!({ "prompt": "é" })));
    assert_eq!(seen.header("authorization"), Some(&*format!("Key {KEY}")));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    let agent = format!("fal-client/{} (rust)", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen.header("user-agent"), Some(agent.as_str()));
}

#[tokio::test]
async fn endpoint_ids_become_paths() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    for (id, path) in [
        ("workflows/me/wf/sub", "POST /run/workflows/me/wf/sub"),
        ("110602490-lcm", "POST /run/110602490/lcm"),
        ("a/b/", "POST /run/a/b"),
    ] {
        server.client().endpoint(id).run(json!({})).await.expect("a response");
        assert_eq!(server.lines().last().map(String::as_str), Some(path));
    }
}

#[tokio::test]
async fn invalid_endpoint_ids_are_rejected_before_sending() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    for id in ["just-an-id", "workflows/a", "https://evil.example/a", "a/../b", "a/b?c=d"] {
        let error = server.client().endpoint(id).run(json!({})).await.expect_err(id);
        assert_eq!(error.kind(), ErrorKind::EndpointId);
        assert!(error.to_string().contains(id) && error.to_string().contains("owner/app"), "{error}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn client_headers_are_sent_with_every_request() {
    let server = Server::start(|_, seen| match seen.method.as_str() {
        "POST" => Reply::json(200, r#"{"request_id":"R1"}"#),
        _ => Reply::json(200, r#"{"status":"COMPLETED"}"#),
    })
    .await;
    let client = server.builder().header("X-Team", "a").header("x-team", "b").build().expect("a client");
    let endpoint = client.endpoint("a/b");
    endpoint.run(json!({})).await.expect("a response");
    endpoint.submit(json!({})).header("x-team", "c").await.expect("a job");
    endpoint.status("R1").await.expect("a status");
    endpoint.result("R1").await.expect("a result");
    endpoint.cancel("R1").await.expect("an outcome");
    let seen = server.seen();
    let teams: Vec<_> = seen.iter().map(|seen| seen.header("x-team").unwrap_or("none")).collect();
    assert_eq!(teams, ["b", "c", "b", "b", "b"]);

    for (name, value) in [("authorization", "Key x"), ("a b", "c"), ("x-secret", "se\ncret")] {
        let error = server.builder().header(name, value).build().expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!error.to_string().contains("cret\n") && !format!("{error:?}").contains("se\\ncret"), "{error:?}");
    }
}

#[tokio::test]
async fn options_are_sent_as_headers_and_fields() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let call = server.client().endpoint("a/b").run(json!({ "a": 1, "b": 2 }));
    call.hint("h")
        .start_timeout(Duration::from_millis(2500))
        .store_io(false)
        .tags([("team", "x"), ("cost", "y z")])
        .header("X-Custom", "c")
        .extra("b", 3)
        .extra("c", json!([null]))
        .await
        .expect("a response");
    let seen = &server.seen()[0];
    for (name, value) in [
        ("x-fal-runner-hint", "h"),
        ("x-fal-request-start-timeout", "2.5"),
        ("x-fal-store-io", "0"),
        ("x-fal-tags", "team=x,cost=y z"),
        ("x-custom", "c"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.json(), json!({ "a": 1, "b": 3, "c": [null] }));
    assert_eq!(seen.header("x-fal-request-timeout"), None);
}

#[tokio::test]
async fn invalid_options_are_rejected_before_sending() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let run = || server.client().endpoint("a/b").run(json!({}));
    for (call, word) in [
        (run().start_timeout(Duration::from_millis(100)), "0.1 s"),
        (run().tags([("UPPER", "x")]), "UPPER"),
        (run().header("authorization", "Key mine"), "Authorization"),
        (run().hint("two\nlines"), "x-fal-runner-hint"),
        (run().header("Content-Length", "1"), "content-length"),
        (run().header("transfer-encoding", "chunked"), "transfer-encoding"),
    ] {
        let error = call.await.expect_err(word);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(word), "{error}");
    }
    let error = server.client().endpoint("a/b").run(json!([1])).extra("a", 1).await.expect_err("not an object");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn errors_of_all_three_shapes_are_parsed() {
    let error = refused(Reply::json(404, r#"{"detail":"Application \"x\" not found"}"#)).await;
    assert_eq!((error.kind(), error.status().map(|status| status.as_u16())), (ErrorKind::Service, Some(404)));
    assert!(error.to_string().starts_with("fal-ai/flux/dev: fal returned 404"), "{error}");
    assert!(error.to_string().contains("Application \"x\" not found"), "{error}");
    assert!(!error.is_invalid_input() && !error.is_retryable());

    let body = r#"{"detail":"too late","error_type":"request_timeout"}"#;
    let error = refused(Reply::json(504, body).header("x-fal-request-timeout-type", "user")).await;
    assert_eq!(error.error_type(), Some(&ErrorType::RequestTimeout));
    assert!(error.is_timeout() && error.is_start_timeout() && !error.is_retryable());

    let body = r#"{"detail":[
        {"loc":["body","prompt"],"msg":"Field required","type":"missing","input":{}},
        {"loc":["body","loras",0,"scale"],"msg":"Too much","type":"less_than_equal","ctx":{"le":4},"input":9}]}"#;
    let error = refused(Reply::json(422, body).header("x-fal-request-id", "R7")).await;
    let paths: Vec<String> = error.field_errors().iter().map(|field| field.path()).collect();
    assert_eq!(paths, ["prompt", "loras[0].scale"]);
    assert_eq!(error.field_errors()[1].ctx.as_ref().and_then(|ctx| ctx.get("le")), Some(&json!(4)));
    assert_eq!((error.error_type(), error.request_id()), (Some(&ErrorType::Missing), Some("R7")));
    assert!(
        error.to_string().contains("prompt: Field required; loras[0].scale: Too much (given: 9) (request R7)"),
        "{error}"
    );
    assert_eq!(error.body().map(|whole| whole.len()), Some(body.len()));
}

#[tokio::test]
async fn malformed_errors_are_kept_in_full_and_displayed_short() {
    let page = format!("<html>\n  <h1>502 Bad Gateway</h1> nginx {}</html>", "x".repeat(100_000));
    let error = refused(Reply::text(500, "text/html", &page)).await;
    assert!(error.to_string().len() < 1_000 && error.to_string().contains("502 Bad Gateway"), "{error}");
    assert_eq!(error.body().map(|body| body.len()), Some(page.len()));

    for (body, word) in [
        ("", "no details"),
        ("{", "{"),
        (r#"{"message":"m"}"#, "m"),
        (r#"{"error":{"type":"rate_limited","message":"slow down"}}"#, "slow down"),
        (r#"{"detail":{"msg":"odd"}}"#, "odd"),
        (r#"{"detail":[]}"#, "detail"),
        (r#"{"detail":[{"loc":"odd"}]}"#, "odd"),
        ("[1,2]", "[1,2]"),
    ] {
        let error = refused(Reply::json(400, body)).await;
        assert!(error.to_string().contains(word), "{body}: {error}");
    }
}

#[tokio::test]
async fn the_error_type_comes_from_the_body_or_else_from_the_header() {
    let typed = |body: &'static str| async move {
        let error = refused(Reply::json(500, body).header("x-fal-error-type", "runner_server_error")).await;
        error.error_type().map(|error_type| error_type.as_str().to_owned())
    };
    assert_eq!(typed(r#"{"detail":"x","error_type":"internal_error"}"#).await.as_deref(), Some("internal_error"));
    assert_eq!(typed(r#"{"detail":"x"}"#).await.as_deref(), Some("runner_server_error"));
    assert_eq!(typed(r#"{"detail":"x","error_type":"brand_new"}"#).await.as_deref(), Some("brand_new"));
}

#[tokio::test]
async fn retry_headers_override_the_status() {
    for (status, header, expected) in [
        // A gateway may fail after fal has accepted the run.
        (503, None, false),
        (500, None, false),
        (500, Some(("x-fal-needs-retry", "1")), true),
        (500, Some(("X-Fal-Retryable", "true")), true),
        (503, Some(("x-fal-needs-retry", "0")), false),
        (503, Some(("x-fal-retryable", "false")), false),
    ] {
        let mut reply = Reply::json(status, r#"{"detail":"x"}"#);
        if let Some((name, value)) = header {
            reply = reply.header(name, value);
        }
        assert_eq!(refused(reply).await.is_retryable(), expected, "{status} {header:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_error_with_its_target() {
    let server = Server::start(|_, _| Reply::json(307, "{}").header("location", "https://evil.example/")).await;
    let error = server.client().endpoint("a/b").run(json!({})).await.expect_err("a redirect");
    assert!(error.to_string().contains("https://evil.example/"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_response_that_is_not_json_is_kept_in_the_error() {
    let error = refused(Reply::text(200, "text/plain", &"hello".repeat(100_000))).await;
    assert!(error.to_string().len() < 1_000, "{error}");
    let error = refused(Reply::text(200, "text/plain", "hello").header("x-fal-request-id", "R1")).await;
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::UnexpectedResponse, Some("R1")));
    assert_eq!(error.body().map(|body| &body[..]), Some(&b"hello"[..]));
}

#[tokio::test]
async fn a_run_is_retried_only_if_it_cannot_have_been_billed() {
    for (first, attempts) in [
        (Reply::dropped(), 1),
        (Reply::json(200, "{").torn(), 1),
        (Reply::json(500, "{}"), 1),
        (Reply::json(502, "nginx"), 1),
        (Reply::json(503, "{}").header("x-fal-needs-retry", "1"), 1),
        (Reply::json(504, "{}"), 1),
        (Reply::json(409, "{}"), 1),
        (Reply::json(408, "{}"), 1),
        (Reply::json(429, "{}").header("retry-after", "3600"), 1),
        (Reply::json(429, "{}").header("x-fal-needs-retry", "0"), 1),
        (Reply::json(429, "{}"), 2),
        (Reply::json(429, "{}").header("retry-after", "0"), 2),
        (Reply::json(429, "{}").header("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"), 2),
    ] {
        let script = first.clone();
        let server =
            Server::start(move |index, _| if index == 0 { script.clone() } else { Reply::json(200, "{}") }).await;
        let done = server.client().endpoint("a/b").run(json!({})).await;
        assert_eq!((server.seen().len(), done.is_ok()), (attempts, attempts == 2), "{first:?}");
    }
}

#[tokio::test]
async fn the_error_lists_the_attempts() {
    let server = Server::start(|_, _| Reply::json(429, r#"{"detail":"slow down"}"#)).await;
    let error = server.client().endpoint("a/b").run(json!({})).await.expect_err("429");
    assert_eq!((error.attempts().len(), server.seen().len()), (5, 5));
    assert!(error.attempts()[0].outcome.contains("slow down"), "{:?}", error.attempts());
    assert!(error.to_string().contains("after 5 attempts"), "{error}");

    let client = server.builder().retry(fal_client::RetryPolicy::none()).build().expect("a client");
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("429");
    assert_eq!((error.attempts().len(), server.seen().len()), (1, 6));
}

#[tokio::test]
async fn an_unreachable_host_is_a_connect_error_after_all_attempts() {
    let unreachable = Unreachable::bind();
    let address = unreachable.address();
    let client = fal_client::Client::builder()
        .key(KEY)
        .run_host(format!("http://{address}/run"))
        .queue_host(format!("http://{address}/queue"))
        .rest_host(format!("http://{address}/rest"))
        .retry(fal_client::RetryPolicy::default().first_delay(Duration::from_millis(1)).max_attempts(3))
        .build()
        .expect("a client");
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("unreachable");
    assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::Connect, 3));
    assert!(error.is_retryable() && error.request_id().is_none());
}

#[tokio::test]
async fn a_run_times_out_without_a_response() {
    // The listener never accepts: the connection is established but gets no response.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", silent.local_addr().expect("an address"));
    let builder = fal_client::Client::builder().key(KEY).run_host(&base).queue_host(&base).rest_host(&base);
    let client = builder.build().expect("a client");
    let error = client.endpoint("a/b").run(json!({})).timeout(Duration::from_millis(20)).await.expect_err("timed out");
    assert!(error.is_timeout() && error.kind() == ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn a_file_input_is_serialized_without_reading_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"not really").expect("a file");
    assert!(format!("{:?}", fal_client::FileInput::path(&path)).contains("a.png"));
    let text = path.to_str().expect("a path in UTF-8");
    let error = serde_json::to_string(&fal_client::FileInput::path(&path)).expect_err("not uploaded");
    assert!(error.to_string().contains("a.png"), "{error}");
    assert_eq!(serde_json::to_value(fal_client::FileInput::from(text)).expect("a string"), json!(text));
    let bytes = fal_client::FileInput::bytes(&b"abc"[..], "text/plain");
    assert_eq!(serde_json::to_value(&bytes).expect("bytes"), json!("data:text/plain;base64,YWJj"));
    assert_eq!(format!("{bytes:?}"), "FileInput(3 bytes of text/plain)");
}
