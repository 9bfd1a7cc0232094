//! Handshakes that fail.

use std::time::Duration;

use fal_client::ErrorKind;

use crate::host::{Host, close, json, text};

#[tokio::test]
async fn refusals_are_typed_and_not_retried() {
    for (status, body, check) in [
        (401, r#"{"detail":"no such key"}"#, "unauthorized"),
        (403, r#"{"detail":"User is locked. Reason: Exhausted balance."}"#, "locked"),
        (403, r#"{"detail":"Insufficient permissions"}"#, "denied"),
        (404, r#"{"detail":"Application not found"}"#, "other"),
        (422, r#"{"detail":"bad"}"#, "other"),
        (403, "", "other"),
        (307, "", "unexpected"),
        (200, "{}", "unexpected"),
    ] {
        let host = Host::start_with(move |_, _| Some(json(status, body)), async |_, _| {}).await;
        let error = host.client().endpoint("a/b").realtime().await.expect_err("refused");
        let found = match error.kind() {
            _ if error.is_unauthorized() => "unauthorized",
            _ if error.is_account_locked() => "locked",
            _ if error.is_permission_denied() => "denied",
            ErrorKind::UnexpectedResponse => "unexpected",
            _ => "other",
        };
        assert_eq!((found, error.status().map(|status| status.as_u16())), (check, Some(status)), "{error}");
        assert_eq!(error.body().map(|body| &body[..]), Some(body.as_bytes()));
        assert!(!error.may_have_been_accepted() && !error.is_retryable(), "{error}");
        assert_eq!((host.lines().len(), error.endpoint()), (1, Some("a/b")), "{status}");
    }
}

#[tokio::test]
async fn failures_are_retried_because_a_handshake_is_free() {
    let respond = |index: usize, _: &_| match index {
        0 => Some(text(502, "text/html", "<html>gateway</html>")),
        1 => Some(String::new()),
        2 => Some(json(429, "{}")),
        _ => None,
    };
    let host = Host::start_with(respond, async |_, mut socket| close(&mut socket, 1000, "").await).await;
    let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
    assert!(connection.next().await.is_none());
    assert_eq!(host.lines().len(), 4);

    let host = Host::start_with(|_, _| Some(json(503, "{}")), async |_, _| {}).await;
    let error = host.client().endpoint("a/b").realtime().await.expect_err("unavailable");
    assert_eq!((error.attempts().len(), host.lines().len()), (5, 5));
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn invalid_upgrades_are_errors() {
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    for (headers, words) in [
        (format!("connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {ACCEPT}"), "does not match"),
        ("connection: Upgrade\r\nupgrade: websocket".to_owned(), "does not match"),
        ("connection: Upgrade\r\nupgrade: h2c".to_owned(), "another protocol"),
        ("upgrade: websocket".to_owned(), "another protocol"),
    ] {
        let raw = format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n\r\n");
        let host = Host::start_with(move |_, _| Some(raw.clone()), async |_, _| {}).await;
        let error = host.client().endpoint("a/b").realtime().await.expect_err("invalid");
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn opening_has_a_time_limit() {
    let host = Host::start(async |_, _| {}).await;
    let connecting = host.client().endpoint("a/b").realtime().open_timeout(Duration::ZERO);
    let error = connecting.await.expect_err("too late");
    assert!(error.is_timeout() && error.to_string().contains("opening the connection"), "{error}");
}

#[tokio::test]
async fn unreachable_host_is_a_connect_error() {
    let host = Host::start(async |_, _| {}).await;
    let client = host.client();
    drop(host);
    // The task that accepts connections ends before the next one is made.
    tokio::task::yield_now().await;
    let error = client.endpoint("a/b").realtime().await.expect_err("unreachable");
    assert!(error.is_connect() && error.attempts().len() == 5, "{error:?}");
}
