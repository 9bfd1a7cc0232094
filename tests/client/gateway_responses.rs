//! A response that is not fal's own word about a request says nothing about it. Free requests are sent again, and a request
//! that is followed is not given up.

use fal_client::RetryPolicy;
use serde_json::{Value, json};

use crate::support::queue::{COMPLETED, followed, server, submitted};
use crate::support::server::{Reply, Server};

/// Responses of gateways.
fn gateway() -> Vec<(&'static str, Reply)> {
    let page = |status| Reply::text(status, "text/html", "<html><title>One moment</title></html>");
    let mut replies: Vec<(&'static str, Reply)> =
        [408, 425, 500, 501, 502, 503, 504, 505, 507, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530, 599]
            .into_iter()
            .flat_map(|status| {
                [
                    ("empty", Reply::json(status, "")),
                    ("JSON", Reply::json(status, r#"{"detail":"x"}"#)),
                    ("page", page(status)),
                ]
            })
            .collect();
    replies.extend([
        ("a page with 404", page(404)),
        ("a page with 400", page(400)),
        ("429", Reply::json(429, "{}")),
        ("429 of an edge", page(429)),
        ("closed", Reply::dropped()),
        ("torn", Reply::json(200, "{").torn()),
    ]);
    replies
}

#[tokio::test]
async fn free_requests_are_sent_again() {
    for (name, reply) in gateway() {
        let first = reply.clone();
        let server = Server::start(move |index, seen| match (index % 2, seen.method.as_str()) {
            (0, _) => first.clone(),
            (_, "PUT") => Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#),
            _ if seen.target.contains("/status") => Reply::json(200, COMPLETED),
            _ => Reply::json(200, r#"{"ok":1}"#),
        })
        .await;
        let client = server.client();
        let endpoint = client.endpoint("a/b");
        endpoint.status("R1").await.unwrap_or_else(|error| panic!("status, {name} {reply:?}: {error}"));
        endpoint.result("R1").await.unwrap_or_else(|error| panic!("result, {name} {reply:?}: {error}"));
        endpoint.cancel("R1").await.unwrap_or_else(|error| panic!("cancel, {name} {reply:?}: {error}"));
        assert_eq!(server.seen().len(), 6, "{name} {reply:?}");
    }
}

#[tokio::test]
async fn a_followed_request_survives_gateways() {
    let follow = async |(name, reply): (&str, Reply)| {
        // More failures than a single request has attempts.
        let polls = [vec![reply.clone(); 7], vec![Reply::json(200, COMPLETED)]].concat();
        let results = [vec![reply.clone(); 7], vec![Reply::json(200, r#"{"ok":1}"#)]].concat();
        let script = [submitted(), ("stream", vec![Reply::json(404, "{}")]), ("status", polls), ("result", results)];
        let server = server(&script).await;
        let outcome = followed(&server).await.1;
        assert_eq!(outcome.ok(), Some(json!({ "ok": 1 })), "{name} {reply:?}");
    };
    // In parallel, because polls are some time apart.
    futures_util::future::join_all(gateway().into_iter().map(follow)).await;
}

#[tokio::test]
async fn a_completed_request_whose_result_is_not_ready_is_waited_for() {
    for body in
        [r#"{"detail":"Request is still in progress"}"#, r#"{"status":"IN_PROGRESS"}"#, r#"{"status":"IN_QUEUE"}"#]
    {
        let early = vec![Reply::json(400, body).header("x-fal-request-id", "R1"); 3];
        let results = [early, vec![Reply::json(200, r#"{"ok":1}"#)]].concat();
        let script = [submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), ("result", results)];
        assert_eq!(followed(&server(&script).await).await.1.ok(), Some(json!({ "ok": 1 })), "{body}");
    }
}

#[tokio::test]
async fn the_models_own_failure_is_final() {
    for (status, body) in [
        (500, r#"{"detail":"CUDA"}"#),
        (503, "{}"),
        (504, r#"{"detail":"slow"}"#),
        (422, "{}"),
        (499, "{}"),
        (400, "{}"),
    ] {
        let script = [
            submitted(),
            ("stream", vec![Reply::events(&[COMPLETED])]),
            ("result", vec![Reply::json(status, body).header("x-fal-request-id", "R1")]),
        ];
        let server = server(&script).await;
        let error = followed(&server).await.1.expect_err("a failure");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(server.seen().len(), 3, "{status} is final");
    }
}

#[tokio::test]
async fn refusals_end_a_followed_request() {
    for status in [401, 403] {
        let script = [
            submitted(),
            ("stream", vec![Reply::json(404, "{}")]),
            ("status", vec![Reply::json(status, r#"{"detail":"no"}"#)]),
        ];
        let server = server(&script).await;
        let error = followed(&server).await.1.expect_err("refused");
        assert_eq!((error.request_id(), server.seen().len()), (Some("R1"), 3), "{status}: {error}");
    }
}

#[tokio::test]
async fn downloads_and_uploads_are_sent_again() {
    for status in [408, 425, 429, 500, 501, 502, 503, 504, 520, 522, 524, 530] {
        let server = Server::start(move |index, _| match index {
            0 => Reply::text(status, "text/html", "<html>"),
            _ => Reply::text(200, "image/png", "bytes"),
        })
        .await;
        let url = format!("{}/a.png", server.base());
        let bytes = server.client().download_bytes(url.as_str()).await;
        assert_eq!(bytes.unwrap_or_else(|error| panic!("{status}: {error}")), &b"bytes"[..]);

        let base = server.base().to_owned();
        let server = Server::start(move |index, seen| match index {
            _ if seen.target.contains("/initiate") => {
                let urls = json!({ "upload_url": format!("{base}/put"), "file_url": "http://x.y/z" });
                Reply::json(200, &Value::to_string(&urls))
            }
            _ => Reply::json(status, ""),
        })
        .await;
        let client = server.builder().retry(RetryPolicy::none()).build().expect("a client");
        let file = fal_client::FileInput::bytes(&b"abc"[..], "text/plain");
        let upload = client.storage().upload(file).repository(fal_client::Repository::Signed);
        upload.await.unwrap_or_else(|error| panic!("{status}: {error}"));
    }
}

#[tokio::test]
async fn refused_downloads_are_final() {
    for status in [400, 401, 403, 410, 416] {
        let server = Server::start(move |_, _| Reply::text(status, "text/html", "<html>")).await;
        let url = format!("{}/a.png", server.base());
        let error = server.client().download_bytes(url.as_str()).await.expect_err("refused");
        assert_eq!((server.seen().len(), error.is_retryable()), (1, false), "{status}: {error}");
    }
}
