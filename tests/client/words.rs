//! Messages of errors are the service's words: without markup, and without the caller's input.

use fal_client::{Error, ErrorKind};
use serde_json::json;

use crate::support::server::{Reply, Server};

async fn submitted(reply: Reply) -> Error {
    let server = Server::start(move |_, _| reply.clone()).await;
    server.client().endpoint("a/b").submit(json!({ "prompt": "MY PROMPT" })).await.expect_err("an error")
}

#[tokio::test]
async fn the_reason_is_found_in_json_of_any_shape() {
    for (status, body, words) in [
        (
            403,
            r#"{"status":"failed","detail":{"reason":"no_credit","message":"Balance is used up"}}"#,
            "Balance is used up",
        ),
        (400, r#"{"detail":{"error":"empty","message":"Write a prompt"}}"#, "Write a prompt"),
        (422, r#"{"detail":[{"message":"unsafe","input":{"prompt":"MY PROMPT"}}]}"#, "unsafe"),
        (
            422,
            r#"{"detail":[{"loc":["body","prompt"],"msg":"unsafe","type":"one_of","input":"MY PROMPT"}]}"#,
            "prompt: unsafe",
        ),
        (
            422,
            r#"{"detail":[{"msg":"`MY PROMPT` is unsafe","ctx":{"error":"MY PROMPT"},"input":"MY PROMPT"}]}"#,
            "`…` is unsafe",
        ),
        (400, r#"{"error":{"message":"Unknown size","code":7}}"#, "Unknown size"),
        (400, r#"{"errors":[{"message":"one"},{"detail":"two"}]}"#, "one; two"),
        (400, r#"{"detail":["one","two"],"status":"error"}"#, "one; two"),
        (400, r#"{"detail":["one",{"loc":["body","size"],"msg":"two","input":"MY PROMPT"}]}"#, "one; size: two"),
        (401, r#"{"error":"invalid_key","error_description":"The key has expired"}"#, "The key has expired"),
        (400, r#"{"detail":"no <i>size</i> given"}"#, "no size given"),
        (403, r#"{"type":"about:blank","title":"Forbidden","detail":"Not your team"}"#, "Not your team"),
        (500, r#"{"detail":"{\"error\":{\"reason\":\"out of memory\"}}"}"#, "out of memory"),
        (
            502,
            r#"{"message":"upstream said <html><body><h1>Bad &amp; slow</h1></body></html>"}"#,
            "upstream said Bad & slow",
        ),
        (404, r#"{"status":"GONE","prompt":"MY PROMPT"}"#, "GONE"),
        (400, r#"{"prompt":"MY PROMPT","seed":7}"#, "400 Bad Request"),
    ] {
        let message = submitted(Reply::json(status, body)).await.to_string();
        assert!(message.contains(words), "{body}: {message}");
        assert!(!message.contains("MY PROMPT") && !message.contains('<'), "{body}: {message}");
    }
}

#[tokio::test]
async fn a_page_is_described_by_its_title_and_other_text_by_its_type() {
    let gzip = Reply::json(502, "\u{1f}\u{8b}\u{8}").header("content-encoding", "gzip");
    for (reply, words) in [
        (Reply::text(413, "text/html", "<html><head><title>413 Too Large</title></head>"), "413 Too Large (text/html)"),
        (
            Reply::text(520, "text/html; charset=UTF-8", "<TITLE>\n example | 520: \n Web server</TITLE>"),
            "example | 520: Web server",
        ),
        (Reply::text(503, "text/html", "<!doctype html><body><h1>Back&nbsp;soon</h1>"), "Back soon"),
        (
            Reply::text(
                403,
                "application/xml",
                "<?xml version='1.0'?><Error><Code>X</Code><Message>Expired</Message></Error>",
            ),
            "Expired (application/xml)",
        ),
        (
            Reply::text(503, "text/plain", "upstream connect error\nor reset"),
            "upstream connect error or reset (text/plain)",
        ),
        (Reply::text(503, "text/plain", "no upstream<script>alert(1)</script>"), "no upstream (text/plain)"),
        (gzip, "(application/json, gzip)"),
        (Reply::text(500, "application/octet-stream", "\0\0\0"), "application/octet-stream"),
        (Reply::text(500, "text/plain", ""), "no details given"),
    ] {
        let message = submitted(reply).await.to_string();
        assert!(message.contains(words), "{words}: {message}");
        assert!(!message.contains('<') && message.lines().count() == 1, "{message}");
    }
}

#[tokio::test]
async fn a_page_instead_of_a_response_is_not_taken_for_an_acceptance() {
    for (reply, words) in [
        (Reply::text(200, "text/html", "<html><title>Sign in to Wi-Fi</title></html>"), "text/html: Sign in to Wi-Fi"),
        (Reply::text(200, "text/plain", "ok"), "text/plain: ok"),
        (Reply::text(200, "text/html; charset=utf-8", "<h1>Maintenance</h1>"), "text/html: Maintenance"),
        (Reply::json(200, ""), "the response is empty"),
    ] {
        let error = submitted(reply.clone()).await;
        let message = error.to_string();
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert!(message.contains(words) && !message.contains("accepted"), "{message}");

        let server = Server::start(move |_, _| reply.clone()).await;
        let endpoint = server.client().endpoint("a/b");
        for error in [endpoint.run(json!({})).await.map(drop), endpoint.cancel("R1").await.map(drop)] {
            // An empty response to a cancellation is fine.
            if let Err(error) = error {
                assert!(error.to_string().contains(words), "{error}");
            }
        }
    }
}
