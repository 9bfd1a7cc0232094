//! Errors of the platform API's own shape, and retries.

use std::time::Duration;

use fal_client::{Error, ErrorKind};

use crate::server::{Reply, Server};
use crate::support::{error, platform};

/// Returns the error of a page that gets `reply`, and the number of requests.
async fn failure(reply: Reply) -> (Error, usize) {
    let server = Server::start(move |_, _| reply.clone()).await;
    let error = platform(&server).models().page().await.expect_err("an error");
    (error, server.seen().len())
}

#[tokio::test]
async fn each_type_has_its_predicate() {
    type Predicate = fn(&Error) -> bool;
    let all: [(&str, Predicate); 6] = [
        ("unauthorized", Error::is_unauthorized),
        ("denied", Error::is_permission_denied),
        ("invalid", Error::is_invalid_input),
        ("unknown", Error::is_not_found),
        ("limited", Error::is_rate_limited),
        ("retryable", Error::is_retryable),
    ];
    for (status, error_type, expected, attempts) in [
        (401, "authorization_error", &["unauthorized"][..], 1),
        (403, "authorization_error", &["denied"], 1),
        (400, "validation_error", &["invalid"], 1),
        (404, "not_found", &["unknown"], 1),
        (429, "rate_limited", &["limited", "retryable"], 5),
        (500, "server_error", &["retryable"], 5),
        (503, "server_error", &["retryable"], 5),
        (501, "not_implemented", &[], 1),
        (400, "a_new_type", &[], 1),
    ] {
        let (error, requests) = failure(Reply::json(status, &error(error_type, "the words"))).await;
        let found: Vec<&str> = all.iter().filter(|(_, is)| is(&error)).map(|(name, _)| *name).collect();
        assert_eq!((&found[..], requests), (expected, attempts), "{status} {error_type}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::Service);
        assert_eq!(error.error_type().map(|error_type| error_type.as_str().to_owned()).as_deref(), Some(error_type));
        assert_eq!(error.request_id(), Some("debug-7"));
        let words = error.to_string();
        assert!(words.contains("the words") && words.contains("see https://fal.ai/docs/platform-apis"), "{words}");
    }
}

#[tokio::test]
async fn locked_accounts_and_other_shapes_are_errors_as_elsewhere() {
    let (error, requests) = failure(Reply::json(403, r#"{ "detail": "User is locked. Reason: TOP_UP." }"#)).await;
    assert!(error.is_account_locked() && requests == 1, "{error}");
    let (error, _) = failure(Reply::text(400, "text/html", "<title>Bad gateway</title>")).await;
    assert!(error.to_string().contains("Bad gateway"), "{error}");
    let hostile = r#"{ "error": { "type": 7, "message": { "x": [] }, "docs_url": "https://fal.ai.example/x" } }"#;
    let (error, _) = failure(Reply::json(400, hostile)).await;
    assert!(!error.to_string().contains("example"), "{error}");
}

#[tokio::test]
async fn a_missing_host_is_named() {
    let server = Server::start(|_, _| Reply::json(200, "{}")).await;
    let error = server.client().platform().models().page().await.expect_err("no platform host");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("api_host(…)"), "{error}");
    assert_eq!(server.opened(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_requested_delay_is_kept() {
    let started = tokio::time::Instant::now();
    let server = Server::start(|index, _| match index {
        0 => Reply::json(429, &error("rate_limited", "slow down")).header("retry-after", "30"),
        _ => Reply::json(200, r#"{ "models": [] }"#),
    })
    .await;
    platform(&server).models().page().await.expect("a page");
    assert_eq!(server.seen().len(), 2);
    assert!(started.elapsed() >= Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_long_delay_is_left_to_the_caller() {
    let (error, requests) =
        failure(Reply::json(429, &error("rate_limited", "slow down")).header("retry-after", "3600")).await;
    assert!(error.is_rate_limited() && error.is_retryable() && requests == 1, "{error}");
}

#[tokio::test]
async fn words_of_searches_and_payloads_are_not_shown() {
    for reply in [
        Reply::json(400, &error("validation_error", "no results for a secret fox in id-of-key:secret-of-key")),
        Reply::json(200, r#"{ "results": [{ "json_input": { "prompt": "a secret fox" } },] }"#),
        Reply::json(200, r#"{ "results": { "json_input": { "prompt": "a secret fox" } } }"#),
        Reply::dropped(),
    ] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let search = platform(&server).search_requests().query("a secret fox");
        let error = search.page().await.expect_err("an error");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("secret fox") && !shown.contains("secret-of-key"), "{shown}");
    }
}
