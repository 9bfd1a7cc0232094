//! Authentication with short-lived tokens.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{ErrorKind, RetryPolicy};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::host::{Host, KEY, Seen, close, drain, json as response, send};

/// Issues `tok-0000`, `tok-0001` and so on, by the index of the request.
fn issue(index: usize, seen: &Seen) -> Option<String> {
    seen.line.starts_with("POST /rest/tokens").then(|| issue_any(index)).flatten()
}

fn issue_any(index: usize) -> Option<String> {
    Some(response(200, &format!("\"tok-{index:04}\"")))
}

#[tokio::test]
async fn token_replaces_the_key_in_the_handshake() {
    let host = Host::start_with(issue, async |_, mut socket| drop(drain(&mut socket).await)).await;
    let endpoint = host.client().endpoint("ada/sketch/fast");
    drop(endpoint.realtime().token_auth().max_buffering(5).await.expect("connected"));
    let seen = host.seen();
    assert_eq!(host.lines()[0], "POST /rest/tokens/");
    let body: Value = serde_json::from_str(&seen[0].body).expect("JSON");
    assert_eq!(body, json!({ "allowed_apps": ["sketch"], "token_expiration": 120 }));
    assert_eq!(seen[0].header("authorization"), Some(format!("Key {KEY}").as_str()));
    assert_eq!(host.lines()[1], "GET /run/ada/sketch/fast/realtime?fal_jwt_token=tok-0000&max_buffering=5");
    assert_eq!(seen[1].header("authorization"), None);
    assert!(!format!("{:?}", seen[1]).contains("secret-of-key"));

    drop(endpoint.realtime().token_auth().token_lifetime(Duration::from_secs(30)).await.expect("connected"));
    let body: Value = serde_json::from_str(&host.seen()[2].body).expect("JSON");
    assert_eq!(body["token_expiration"], 30);
}

#[tokio::test]
async fn provider_receives_the_application_with_its_path() {
    let host = Host::start(async |_, mut socket| drop(drain(&mut socket).await)).await;
    let apps = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&apps);
    let provide = move |app: String| {
        log.lock().expect("not poisoned").push(app);
        std::future::ready(Ok::<_, std::io::Error>("mine-1234".to_owned()))
    };
    let anonymous = host.builder().anonymous().build().expect("a client");
    drop(anonymous.endpoint("2718-sketch").realtime().token_provider(provide.clone()).await.expect("connected"));
    let connecting = host.client().endpoint("a/b").realtime().path("custom/path");
    drop(connecting.token_provider(provide).await.expect("connected"));
    assert_eq!(apps.lock().expect("not poisoned")[..], ["2718/sketch/realtime", "a/b/custom/path"]);
    assert_eq!(
        host.lines(),
        ["GET /run/2718/sketch/realtime?fal_jwt_token=mine-1234", "GET /run/a/b/custom/path?fal_jwt_token=mine-1234"]
    );
    assert!(host.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn failed_provider_opens_no_connection() {
    let host = Host::start(async |_, _| {}).await;
    let endpoint = host.client().endpoint("a/b");
    let error = endpoint.realtime().token_provider(async |_| Err::<String, _>("no session")).await;
    let error = error.expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert!(error.to_string().contains("the token provider failed: no session"), "{error}");
    for token in ["", "  ", "shh 1234", "shh-é1234"] {
        let provide = move |_| std::future::ready(Ok::<_, std::io::Error>(token.to_owned()));
        let error = endpoint.realtime().token_provider(provide).await.expect_err("not a token");
        assert!(error.is_unauthorized() && !error.to_string().contains("shh"), "{error}");
    }
    assert!(host.lines().is_empty());
}

/// Connects, loses the connection `losses` times after the time, and returns the tokens that were used.
async fn tokens_used(lifetime: Option<Duration>, passed: Duration) -> Vec<String> {
    let host = Host::start(async |index, mut socket| {
        if index < 2 {
            send(&mut socket, [Message::text("0")]).await;
            let _ = socket.flush().await;
            crate::host::receive(&mut socket).await;
        } else {
            close(&mut socket, 1000, "").await;
        }
    })
    .await;
    let count = Arc::new(Mutex::new(0));
    let provide = move |_| {
        let mut count = count.lock().expect("not poisoned");
        *count += 1;
        std::future::ready(Ok::<_, std::io::Error>(format!("mine-{count}")))
    };
    let connecting = host.client().endpoint("a/b").realtime().token_provider(provide).reconnect(true);
    let connecting = match lifetime {
        Some(lifetime) => connecting.token_lifetime(lifetime),
        None => connecting,
    };
    let mut connection = connecting.await.expect("connected");
    for _ in 0..2 {
        connection.next().await.expect("a frame").expect("a result");
        tokio::time::pause();
        tokio::time::advance(passed).await;
        tokio::time::resume();
        connection.send(json!(0)).await.expect("sent");
    }
    assert!(connection.next().await.is_none());
    host.lines()
        .iter()
        .filter_map(|line| line.split_once("fal_jwt_token="))
        .map(|(_, token)| token.to_owned())
        .collect()
}

#[tokio::test]
async fn token_is_kept_for_nine_tenths_of_its_lifetime() {
    let minute = Some(Duration::from_secs(60));
    assert_eq!(tokens_used(None, Duration::ZERO).await, ["mine-1", "mine-2", "mine-3"]);
    assert_eq!(tokens_used(minute, Duration::from_secs(20)).await, ["mine-1", "mine-1", "mine-1"]);
    assert_eq!(tokens_used(minute, Duration::from_secs(40)).await, ["mine-1", "mine-1", "mine-2"]);
    assert_eq!(tokens_used(minute, Duration::from_secs(55)).await, ["mine-1", "mine-2", "mine-3"]);
}

#[tokio::test]
async fn unauthorized_connection_uses_another_token_next_time() {
    let host = Host::start_with(issue, async |index, mut socket| {
        if index == 0 {
            send(&mut socket, [Message::text(r#"{"status":"error","error":"Unauthorized"}"#)]).await;
            close(&mut socket, 1011, "").await;
        } else {
            close(&mut socket, 1000, "").await;
        }
    })
    .await;
    let mut connection =
        host.client().endpoint("a/b").realtime().token_auth().reconnect(true).await.expect("connected");
    let error = connection.next().await.expect("a frame").expect_err("unauthorized");
    assert!(error.is_unauthorized(), "{error}");
    assert!(connection.next().await.is_none());
    let tokens: Vec<String> = host.lines().into_iter().filter(|line| line.starts_with("GET")).collect();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn rejected_token_is_replaced_once() {
    // The host rejects every token but the fourth: that of the second request for one.
    let respond = |index: usize, seen: &Seen| {
        let is_rejected = seen.line.starts_with("GET") && index != 1 && index != 4;
        issue(index, seen).or_else(|| is_rejected.then(|| response(401, r#"{"detail":"token expired"}"#)))
    };
    let host = Host::start_with(respond, async |index, mut socket| {
        if index > 0 {
            close(&mut socket, 1000, "").await;
        }
    })
    .await;
    let client =
        host.builder().retry(RetryPolicy::none().first_delay(Duration::from_millis(1))).build().expect("a client");
    let mut connection = client.endpoint("a/b").realtime().token_auth().reconnect(true).await.expect("connected");
    assert!(connection.next().await.is_none());
    let lines: Vec<String> = host.lines();
    assert_eq!(
        lines,
        [
            "POST /rest/tokens/",
            "GET /run/a/b/realtime?fal_jwt_token=tok-0000",
            "GET /run/a/b/realtime?fal_jwt_token=tok-0000",
            "POST /rest/tokens/",
            "GET /run/a/b/realtime?fal_jwt_token=tok-0003",
        ]
    );

    // A token that was just issued is not replaced.
    let respond = |index: usize, seen: &Seen| issue(index, seen).or_else(|| Some(response(401, r#"{"detail":"no"}"#)));
    let host = Host::start_with(respond, async |_, _| {}).await;
    let error = host.client().endpoint("a/b").realtime().token_auth().await.expect_err("rejected");
    assert!(error.is_unauthorized() && error.to_string().contains("short-lived token"), "{error}");
    assert_eq!(host.lines().len(), 2);
    let shown = format!("{error} {error:?} {:?}", error.attempts());
    assert!(!shown.contains("tok-0000"), "{shown}");
}

#[tokio::test]
async fn client_of_a_server_proxy_connects_directly_with_a_token() {
    let host = Host::start_with(
        |index, seen| seen.header("x-fal-target-url").and_then(|_| issue_any(index)),
        async |_, mut socket| drop(drain(&mut socket).await),
    )
    .await;
    let builder = host.builder().proxy_url(format!("{}/proxy", host.base)).header("x-gateway", "shh");
    let client = builder.build().expect("a client");
    drop(client.endpoint("a/b").realtime().await.expect("connected"));
    assert_eq!(host.lines(), ["POST /proxy", "GET /run/a/b/realtime?fal_jwt_token=tok-0000"]);
    let seen = host.seen();
    assert!(seen[0].header("x-fal-target-url").is_some_and(|target| target.ends_with("/rest/tokens/")));
    assert_eq!(seen[0].header("authorization"), Some(format!("Key {KEY}").as_str()));
    assert_eq!((seen[1].header("authorization"), seen[1].header("x-gateway")), (None, None));

    let error = client.endpoint("a/b").run_connection().await.expect_err("no key");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(host.lines().len(), 2);
}
