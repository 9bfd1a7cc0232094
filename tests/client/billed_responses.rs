//! A response that shows that a request was accepted is never a reason to send a billable request again.

use serde_json::json;

use crate::support::server::{Reply, Server};

#[tokio::test]
async fn a_429_of_the_model_or_of_the_queue_is_not_retried() {
    let busy = |body: &str| Reply::json(429, body);
    for (name, reply) in [
        ("request id and units", busy("{}").header("x-fal-request-id", "R1").header("x-fal-billable-units", "3.5")),
        ("request id", busy("{}").header("x-fal-request-id", "R1")),
        ("request id in the body", busy(r#"{"detail":"later","request_id":"R1"}"#)),
        ("request id in an error", busy(r#"{"error":{"message":"later","request_id":"R1"}}"#)),
        ("request id in a field error", busy(r#"{"detail":[{"msg":"later","request_id":"R1"}]}"#)),
        ("request id that is a number", busy(r#"{"request_id":7}"#)),
        ("request id in another spelling", busy(r#"{"requestId":"R1"}"#)),
        ("unreadable request id", busy("{}").header("x-fal-request-id", "\u{e9}")),
        ("units after none", busy("{}").header("x-fal-billable-units", "0").header("x-fal-billable-units", "2")),
        ("unreadable units", busy("{}").header("x-fal-billable-units", "\u{bd}")),
        ("units", busy("{}").header("x-fal-billable-units", "0.00001")),
        ("no units", busy("{}").header("x-fal-billable-units", "0")),
        ("malformed units", busy("{}").header("x-fal-billable-units", "?")),
        ("units and Retry-After", busy("{}").header("x-fal-billable-units", "1").header("retry-after", "0")),
        ("recommended by fal", busy("{}").header("x-fal-request-id", "R1").header("x-fal-needs-retry", "1")),
    ] {
        let script = reply.clone();
        let server = Server::start(move |_, _| script.clone()).await;
        let endpoint = server.client().endpoint("a/b");
        for error in [
            endpoint.run(json!({})).await.map(drop).expect_err("429"),
            endpoint.submit(json!({})).await.map(drop).expect_err("429"),
            endpoint.subscribe(json!({})).await.map(drop).expect_err("429"),
        ] {
            assert_eq!(error.attempts().len(), 1, "{name}: {error}");
            assert!(!(error.is_retryable() && error.may_have_been_accepted()), "{name}: {error}");
        }
        assert_eq!(server.seen().len(), 3, "{name}");
    }
}

/// Whatever the status says: units were billed.
#[tokio::test]
async fn billed_units_mean_that_the_request_was_accepted() {
    for status in [400, 404, 408, 422, 429, 499, 500, 502, 503, 504] {
        let reply = Reply::json(status, r#"{"error_type":"runner_disconnected"}"#).header("x-fal-billable-units", "2");
        let reply = reply.header("x-fal-needs-retry", "1");
        let server = Server::start(move |_, _| reply.clone()).await;
        let error = server.client().endpoint("a/b").run(json!({})).await.expect_err("an error");
        assert_eq!((server.seen().len(), error.is_retryable()), (1, false), "{status}: {error}");
        assert!(error.may_have_been_accepted(), "{status}: {error}");
    }
}

#[tokio::test]
async fn the_request_id_in_the_body_of_an_error_is_kept() {
    let server = Server::start(|_, _| Reply::json(429, r#"{"request_id":"R7"}"#)).await;
    let error = server.client().endpoint("a/b").submit(json!({})).await.expect_err("429");
    assert_eq!(error.request_id(), Some("R7"));
}

/// A gateway that is too busy has accepted nothing.
#[tokio::test]
async fn a_429_without_a_request_is_retried() {
    for body in
        ["", "<html>nginx</html>", r#"{"detail":"slow down"}"#, r#"{"request_id":null}"#, r#"{"request_id":""}"#]
    {
        for path in ["/run/a/b", "/queue/a/b"] {
            let server = Server::start(move |index, _| match index {
                0 | 1 => Reply::json(429, body),
                _ => Reply::json(200, r#"{"request_id":"R1"}"#),
            })
            .await;
            let endpoint = server.client().endpoint("a/b");
            match path {
                "/run/a/b" => drop(endpoint.run(json!({})).await.expect("an output")),
                _ => drop(endpoint.submit(json!({})).await.expect("a job")),
            }
            assert_eq!(server.lines(), vec![format!("POST {path}"); 3], "{body}");
        }
    }
}
