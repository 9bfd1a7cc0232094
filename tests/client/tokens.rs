//! Short-lived tokens: what is requested, what is returned, and what is never shown.

use std::time::{Duration, SystemTime};

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{ErrorKind, TokenScope};
use serde_json::json;

use crate::support::server::{KEY, Reply, Server};

const TTL: Duration = Duration::from_secs(90);

#[tokio::test]
async fn both_requests_name_the_applications_and_the_lifetime() {
    let server = Server::start(|_, _| Reply::json(200, r#""to.ken-1234""#)).await;
    let client = server.client();
    let handle = client.endpoint("workflows/ada/sketch/step");
    let tokens = client.tokens();
    let before = SystemTime::now();
    let token = tokens.create("ada/sketcher/fast", TTL).await.expect("a token");
    assert_eq!((token.as_str(), token.ttl()), ("to.ken-1234", TTL));
    assert!(token.expires_at() >= before + TTL && token.expires_at() <= SystemTime::now() + TTL);
    tokens.create(["a/b", "c/d", "x/b"], Duration::from_millis(1999)).await.expect("a token");
    tokens.create(&handle, TTL).await.expect("a token");
    tokens.create_realtime(redux::ENDPOINT, TTL).await.expect("a token");
    tokens.create_realtime(vec!["1234-brush".to_owned()], TTL).await.expect("a token");

    let seen = server.seen();
    let lines: Vec<String> = server.lines();
    assert_eq!(lines[..3], ["POST /rest/tokens/", "POST /rest/tokens/", "POST /rest/tokens/"]);
    assert_eq!(lines[3..], ["POST /rest/tokens/realtime", "POST /rest/tokens/realtime"]);
    let bodies: Vec<_> = seen.iter().map(|seen| seen.json()).collect();
    assert_eq!(
        bodies,
        [
            json!({ "allowed_apps": ["sketcher"], "token_expiration": 90 }),
            json!({ "allowed_apps": ["b", "d"], "token_expiration": 1 }),
            json!({ "allowed_apps": ["sketch"], "token_expiration": 90 }),
            json!({ "allowed_apps": ["fal-ai/flux/dev/redux/realtime"], "duration": 90 }),
            json!({ "allowed_apps": ["1234/brush/realtime"], "duration": 90 }),
        ]
    );
    for seen in seen {
        assert_eq!(seen.header("authorization"), Some(format!("Key {KEY}").as_str()));
        assert_eq!(seen.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn every_form_of_the_response_is_accepted() {
    for body in [r#""tok-a1b2c3""#, r#"{"token":"tok-a1b2c3"}"#, r#"{"detail":"tok-a1b2c3"}"#] {
        let server = Server::start(move |_, _| Reply::json(200, body)).await;
        let token = server.client().tokens().create("a/b", TTL).await.expect(body);
        assert_eq!(token.as_str(), "tok-a1b2c3");
        assert!(!format!("{token:?}").contains("a1b2"), "{token:?}");
    }
}

#[tokio::test]
async fn invalid_scopes_and_lifetimes_are_rejected_before_sending() {
    let server = Server::start(|_, _| Reply::json(200, r#""t""#)).await;
    let client = server.client();
    let tokens = client.tokens();
    for ttl in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(86_401), Duration::MAX] {
        let error = tokens.create("a/b", ttl).await.expect_err("out of range");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("1 second to 24 hours"), "{error}");
    }
    let error = tokens.create("just-a-name", TTL).await.expect_err("not an id");
    assert_eq!(error.kind(), ErrorKind::EndpointId);
    let error = tokens.create_realtime(TokenScope::from(Vec::<String>::new()), TTL).await.expect_err("no endpoint");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn a_body_without_a_usable_token_is_an_error_that_does_not_show_it() {
    for body in [r#"{"jwt":"shh-1234"}"#, "shh-1234", r#""shh-1234 x""#, r#"["shh-1234"]"#, "null", ""] {
        let server = Server::start(move |_, _| Reply::json(200, body)).await;
        let error = server.client().tokens().create("a/b", TTL).await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        let shown = format!("{error} {error:?} {:?}", error.body());
        assert!(shown.contains("did not return a token") && !shown.contains("shh"), "{shown}");
    }
}

#[tokio::test]
async fn refusals_are_typed_and_failures_are_retried() {
    let server = Server::start(|_, _| Reply::json(401, r#"{"detail":"no such key"}"#)).await;
    let error = server.client().tokens().create("a/b", TTL).await.expect_err("refused");
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(server.lines().len(), 1);

    let server = Server::start(|index, _| match index {
        0 => Reply::text(502, "text/html", "<html>gateway</html>"),
        1 => Reply::dropped(),
        _ => Reply::json(200, r#""tok""#),
    })
    .await;
    let token = server.client().tokens().create("a/b", TTL).await.expect("a token");
    assert_eq!((token.as_str(), server.lines().len()), ("tok", 3));
}
