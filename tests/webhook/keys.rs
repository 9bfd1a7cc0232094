use std::panic::{AssertUnwindSafe, catch_unwind};

use fal_client::webhook::{Rejection, Verifier};
use fal_client::{Error, ErrorKind};
use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use tokio::io::AsyncReadExt;

use crate::support::{Clock, Key, KeyServer, client, jwks};
use crate::unreachable::Unreachable;

const BODY: &[u8] = b"{}";
const DAY: u64 = 24 * 3600;

async fn verify(verifier: &Verifier, clock: &Clock, key: &Key) -> Result<(), Error> {
    verifier.verify(&key.sign(&clock.timestamp(), BODY), BODY).await.map(drop)
}

async fn rejection(verifier: &Verifier, clock: &Clock, key: &Key) -> Option<Rejection> {
    verify(verifier, clock, key).await.err()?.webhook_rejection()
}

async fn start(keys: &[&Key]) -> (KeyServer, Verifier, Clock) {
    let (server, clock) = (KeyServer::start(jwks(keys)).await, Clock::new());
    let verifier = clock.apply(Verifier::new(&server.client()));
    (server, verifier, clock)
}

#[tokio::test]
async fn keys_are_fetched_once_and_without_the_api_key() {
    let key = Key::new(1);
    let (server, verifier, clock) = start(&[&key]).await;
    for _ in 0..3 {
        verify(&verifier, &clock, &key).await.expect("a valid delivery");
    }
    assert_eq!(server.count(), 1);
    let headers = server.headers.lock().expect("headers").clone();
    assert!(!headers.contains_key("authorization"), "{headers:?}");
}

#[tokio::test]
async fn nothing_is_fetched_for_a_delivery_that_is_rejected_anyway() {
    let key = Key::new(1);
    let (server, verifier, _) = start(&[&key]).await;
    let error = verifier.verify(&key.sign("1", BODY), BODY).await.expect_err("an old timestamp");
    assert_eq!(error.webhook_rejection(), Some(Rejection::Timestamp));
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn concurrent_verifications_share_one_fetch() {
    let key = Key::new(1);
    let (server, verifier, clock) = start(&[&key]).await;
    let results = join_all((0..50).map(|_| verify(&verifier, &clock, &key))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server.count(), 1);
    let (other, _) = (Key::new(2), server.set(200, jwks(&[&Key::new(2)])));
    let results = join_all((0..50).map(|_| verify(&verifier, &clock, &other))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn new_key_is_fetched_when_none_fits() {
    let (old, new) = (Key::new(1), Key::new(2));
    let (server, verifier, clock) = start(&[&old]).await;
    verify(&verifier, &clock, &old).await.expect("a valid delivery");
    server.set(200, jwks(&[&old, &new]));
    verify(&verifier, &clock, &new).await.expect("a new key");
    verify(&verifier, &clock, &old).await.expect("still published");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn retired_key_has_its_own_error() {
    let (old, new, other) = (Key::new(1), Key::new(2), Key::new(3));
    let (server, verifier, clock) = start(&[&old]).await;
    verify(&verifier, &clock, &old).await.expect("a valid delivery");
    server.set(200, jwks(&[&new]));
    verify(&verifier, &clock, &new).await.expect("a new key");
    assert_eq!(rejection(&verifier, &clock, &old).await, Some(Rejection::RetiredKey));
    assert_eq!(rejection(&verifier, &clock, &other).await, Some(Rejection::Signature));
}

#[tokio::test]
async fn wrong_signatures_cause_one_fetch_a_minute() {
    let (key, other) = (Key::new(1), Key::new(2));
    let (server, verifier, clock) = start(&[&key]).await;
    for _ in 0..20 {
        assert_eq!(rejection(&verifier, &clock, &other).await, Some(Rejection::Signature));
        clock.advance(1);
    }
    assert_eq!(server.count(), 2, "the first fetch, and one because none fits");
    clock.advance(60);
    assert_eq!(rejection(&verifier, &clock, &other).await, Some(Rejection::Signature));
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn keys_are_kept_for_a_day_at_most() {
    let key = Key::new(1);
    let (server, verifier, clock) = start(&[&key]).await;
    verify(&verifier, &clock, &key).await.expect("a valid delivery");
    server.set(500, "");
    clock.advance(DAY - 1);
    verify(&verifier, &clock, &key).await.expect("keys that are still valid");
    assert_eq!(server.count(), 2, "refreshed after half a day");
    clock.advance(1);
    let error = verify(&verifier, &clock, &key).await.expect_err("no valid keys");
    assert_eq!(error.webhook_rejection(), Some(Rejection::KeysUnavailable));
    server.set(200, jwks(&[&key]));
    clock.advance(5);
    verify(&verifier, &clock, &key).await.expect("fetched again");
}

#[tokio::test]
async fn keys_are_fetched_again_if_the_clock_is_set_back() {
    let key = Key::new(1);
    let (server, verifier, clock) = start(&[&key]).await;
    verify(&verifier, &clock, &key).await.expect("a valid delivery");
    clock.set_back(10);
    verify(&verifier, &clock, &key).await.expect("a valid delivery");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn unreachable_keys_have_their_own_error() {
    let closed = Unreachable::bind();
    let (key, clock) = (Key::new(1), Clock::new());
    let verifier = clock.apply(Verifier::new(&client(&format!("http://{}", closed.address()))));
    let error = verify(&verifier, &clock, &key).await.expect_err("no server");
    assert_eq!(error.webhook_rejection(), Some(Rejection::KeysUnavailable));
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("the keys of webhooks are unavailable"), "{error}");
}

#[tokio::test]
async fn failed_fetch_is_not_repeated_for_five_seconds() {
    let key = Key::new(1);
    let (server, verifier, clock) = start(&[&key]).await;
    server.set(503, "");
    for _ in 0..5 {
        assert_eq!(rejection(&verifier, &clock, &key).await, Some(Rejection::KeysUnavailable));
        clock.advance(1);
    }
    assert_eq!(server.count(), 1);
    server.set(200, jwks(&[&key]));
    verify(&verifier, &clock, &key).await.expect("fetched again");
}

#[tokio::test]
async fn valid_keys_are_used_while_new_ones_are_unavailable() {
    let (key, other) = (Key::new(1), Key::new(2));
    let (server, verifier, clock) = start(&[&key]).await;
    verify(&verifier, &clock, &key).await.expect("a valid delivery");
    server.set(500, "");
    for _ in 0..3 {
        assert_eq!(rejection(&verifier, &clock, &other).await, Some(Rejection::KeysUnavailable), "perhaps a new key");
        verify(&verifier, &clock, &key).await.expect("a cached key");
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn documents_without_usable_keys_are_unavailable_keys() {
    let key = Key::new(1);
    let (server, verifier, clock) = start(&[&key]).await;
    let weak = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#;
    let huge = format!(r#"{{"keys":[],"padding":"{}"}}"#, "x".repeat(2 << 20));
    for document in ["", "<html>", "[]", "{}", r#"{"keys":[{"kty":"RSA"}]}"#, weak, &huge, &"[".repeat(100_000)] {
        server.set(200, document);
        let beginning: String = document.chars().take(40).collect();
        assert_eq!(rejection(&verifier, &clock, &key).await, Some(Rejection::KeysUnavailable), "{beginning}");
        clock.advance(5);
    }
    for status in [301, 401, 403, 404, 429, 500] {
        server.set(status, jwks(&[&key]));
        assert_eq!(rejection(&verifier, &clock, &key).await, Some(Rejection::KeysUnavailable), "{status}");
        clock.advance(5);
    }
    let mut keys: Vec<serde_json::Value> = (0..100).map(|_| Key::new(9).jwk()).collect();
    keys.push(key.jwk());
    server.set(200, serde_json::json!({ "keys": keys }).to_string());
    verify(&verifier, &clock, &key).await.expect("the last of many keys");
}

#[tokio::test]
async fn dropped_verification_does_not_hold_up_the_next() {
    let key = Key::new(1);
    let (server, verifier, clock) = start(&[&key]).await;
    {
        let mut first = std::pin::pin!(verify(&verifier, &clock, &key));
        assert!(first.as_mut().now_or_never().is_none());
    }
    verify(&verifier, &clock, &key).await.expect("a valid delivery");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn dropped_verification_closes_its_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (key, clock) = (Key::new(1), Clock::new());
    let verifier = clock.apply(Verifier::new(&client(&url)));
    let mut first = Box::pin(verify(&verifier, &clock, &key));
    let mut second = Box::pin(verify(&verifier, &clock, &key));
    let mut request = [0; 4096];
    let mut stream = tokio::select! {
        _ = join(&mut first, &mut second) => panic!("no response"),
        stream = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            assert!(stream.read(&mut request).await.expect("a request") > 0);
            stream
        } => stream,
    };
    drop(first);
    let mut byte = [0];
    tokio::select! {
        biased;
        _ = stream.read(&mut byte) => panic!("closed while another caller waits"),
        () = async { assert!((&mut second).now_or_never().is_none()) } => {}
    }
    drop(second);
    assert_eq!(stream.read(&mut byte).await.expect("the end"), 0);
}

#[tokio::test]
async fn abandoned_fetches_do_not_hold_up_a_new_key() {
    let (old, new) = (Key::new(1), Key::new(2));
    let (server, verifier, clock) = start(&[&old]).await;
    verify(&verifier, &clock, &old).await.expect("a valid delivery");
    server.set(200, jwks(&[&new]));
    for _ in 0..3 {
        assert!(verify(&verifier, &clock, &Key::new(3)).now_or_never().is_none(), "a fetch that is abandoned");
        assert_eq!(rejection(&verifier, &clock, &new).await, Some(Rejection::Signature));
        clock.advance(5);
    }
    verify(&verifier, &clock, &new).await.expect("a new key");
    assert_eq!(server.count(), 2);
}

#[test]
fn verification_outside_of_a_runtime_fails_without_a_panic() {
    let (key, clock) = (Key::new(1), Clock::new());
    let verifier = clock.apply(Verifier::new(&client("https://rest.example")));
    let error = verify(&verifier, &clock, &key).now_or_never().expect("ready").expect_err("no runtime");
    assert_eq!(error.webhook_rejection(), Some(Rejection::KeysUnavailable));
    assert!(error.to_string().contains("no tokio runtime"), "{error}");
}

#[test]
fn panic_of_a_fetch_does_not_end_the_process() {
    let (key, clock) = (Key::new(1), Clock::new());
    let verifier = clock.apply(Verifier::new(&client("https://rest.example")));
    // tokio panics because the runtime has no timers.
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for _ in 0..2 {
        let verified = AssertUnwindSafe(|| runtime.block_on(verify(&verifier, &clock, &key)));
        let reason = catch_unwind(verified).expect_err("a panic");
        let reason = reason.downcast_ref::<&str>().map(|reason| (*reason).to_owned());
        assert!(reason.is_none_or(|reason| !reason.contains("inner future panicked")));
    }
}
