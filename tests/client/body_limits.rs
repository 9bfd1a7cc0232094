//! Bodies without an end. A response is read up to a limit, and a compressed one not at all.

use fal_client::{Client, Error, ErrorKind, FileInput, Repository, RetryPolicy};
use serde_json::{Value, json};

use crate::support::endless::endless;
use crate::support::server::{KEY, Reply, Server};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";

fn client_of(base: &str) -> Client {
    let builder = Client::builder().key(KEY).run_host(base).queue_host(base).rest_host(base).api_host(base);
    builder.max_output_size(1 << 20).retry(RetryPolicy::none()).build().expect("a client")
}

fn is_limit(error: &Error, limit: usize) -> bool {
    error.kind() == ErrorKind::UnexpectedResponse && error.to_string().contains(&format!("limit of {limit} bytes"))
}

#[tokio::test]
async fn control_responses_are_limited_to_16_mib() {
    const LIMIT: usize = 16 << 20;
    let client = client_of(&endless(OK, "x"));
    let endpoint = client.endpoint("a/b");
    let file = || FileInput::bytes(&b"abc"[..], "text/plain");
    let error = endpoint.submit(json!({})).await.map(drop).expect_err("endless");
    assert!(is_limit(&error, LIMIT) && error.may_have_been_accepted(), "{error}");
    for error in [
        endpoint.status("R1").await.map(drop).expect_err("endless"),
        endpoint.wait("R1").await.map(drop).expect_err("endless"),
        endpoint.cancel("R1").await.map(drop).expect_err("endless"),
        client.storage().upload(file()).repository(Repository::Cdn).await.map(drop).expect_err("endless"),
        client.storage().upload(file()).repository(Repository::Signed).await.map(drop).expect_err("endless"),
    ] {
        assert!(is_limit(&error, LIMIT) && !error.is_retryable(), "{error}");
    }
}

#[tokio::test]
async fn the_response_to_an_uploaded_file_is_limited() {
    let host = endless(OK, "x");
    let server = Server::start(move |_, _| {
        let urls = json!({ "upload_url": format!("{host}/put"), "file_url": "http://x.y/z" });
        Reply::json(200, &urls.to_string())
    })
    .await;
    let file = FileInput::bytes(&b"abc"[..], "text/plain");
    let error = server.client().storage().upload(file).repository(Repository::Signed).await.expect_err("endless");
    assert!(is_limit(&error, 16 << 20), "{error}");
}

#[tokio::test]
async fn outputs_are_limited_by_an_option() {
    let client = client_of(&endless(OK, "x"));
    let endpoint = client.endpoint("a/b");
    let error = endpoint.run(json!({})).await.expect_err("endless");
    assert!(is_limit(&error, 1 << 20) && error.may_have_been_accepted(), "{error}");
    let error = endpoint.result("R1").await.expect_err("endless");
    assert!(is_limit(&error, 1 << 20) && !error.may_have_been_accepted(), "{error}");
    assert_eq!(error.request_id(), Some("R1"));
}

#[tokio::test]
async fn an_output_of_exactly_the_limit_is_read() {
    let output = json!("x".repeat(998)).to_string();
    for (limit, is_ok) in [(1000, true), (999, false), (0, false), (usize::MAX, true)] {
        for reply in [Reply::json(200, &output), Reply::json(200, &output).unannounced()] {
            let reply = reply.header("x-fal-request-id", "R1");
            let server = Server::start(move |_, _| reply.clone()).await;
            let client = server.builder().max_output_size(limit).build().expect("a client");
            let outcome = client.endpoint("a/b").run(json!({})).await;
            assert_eq!(outcome.is_ok(), is_ok, "{limit}");
            if let Err(error) = outcome {
                assert!(is_limit(&error, limit), "{error}");
                assert_eq!(error.request_id(), Some("R1"));
            }
        }
    }
}

/// Nothing is allocated or awaited for a length that is only declared.
#[tokio::test]
async fn a_declared_length_beyond_the_limit_is_refused_immediately() {
    for length in ["1048577", "18446744073709551615"] {
        let reply = Reply::json(200, "").unannounced().header("content-length", length).silent();
        let server = Server::start(move |_, _| reply.clone()).await;
        let client = server.builder().max_output_size(1 << 20).build().expect("a client");
        let error = client.endpoint("a/b").run(json!({})).await.expect_err("too large");
        assert_ne!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test]
async fn an_endless_error_keeps_its_status() {
    for first in ["HTTP/1.1 500 X\r\n\r\n", "HTTP/1.1 404 X\r\n\r\n", "HTTP/1.1 422 X\r\n\r\n"] {
        let client = client_of(&endless(first, "x"));
        let error = client.endpoint("a/b").run(json!({})).await.expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::Service);
        assert_eq!(error.body().map(|body| body.len()), Some(16 << 20));
        assert!(error.to_string().len() < 2_000);
    }
}

#[tokio::test]
async fn a_content_encoding_is_an_error_that_names_it() {
    for encoding in ["gzip", "br", "zstd", "deflate", "GZIP", "x-unknown", "identity, gzip"] {
        let reply =
            Reply::json(200, r#"{"request_id":"R1","status":"COMPLETED"}"#).header("content-encoding", encoding);
        let server = Server::start(move |_, _| reply.clone()).await;
        let endpoint = server.client().endpoint("a/b");
        for error in [
            endpoint.run(json!({})).await.map(drop).expect_err("encoded"),
            endpoint.submit(json!({})).await.map(drop).expect_err("encoded"),
            endpoint.status("R1").await.map(drop).expect_err("encoded"),
            endpoint.result("R1").await.map(drop).expect_err("encoded"),
        ] {
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
            assert!(error.to_string().contains(&format!("{encoding:?}")), "{error}");
        }
        assert!(server.seen().iter().all(|seen| seen.header("accept-encoding").is_none()));
    }
    let server = Server::start(|_, _| Reply::json(200, r#"{"a":1}"#).header("content-encoding", "identity")).await;
    let response = server.client().endpoint("a/b").run(json!({})).await.expect("an output");
    assert_eq!(response.data, json!({ "a": 1 }) as Value);
}
