//! Calls that end before their request: cancelled, timed out or dropped.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{Cancellation, ErrorKind, RetryPolicy};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::queue::{COMPLETED, QUEUED, SUBMITTED, count_of, followed, operation, received, server, submitted};
use crate::support::server::{Reply, Server};
use crate::support::time::{LIMIT, passing, requests};

#[tokio::test]
async fn a_cancelled_request_is_a_cancelled_error() {
    let cancelled = r#"{"status":"COMPLETED","error":"cancelled","error_type":"client_cancelled"}"#;
    let reply = Reply::json(499, r#"{"detail":"Request was cancelled"}"#);
    let server = server(&[submitted(), ("stream", vec![Reply::events(&[cancelled])]), ("result", vec![reply])]).await;
    let error = followed(&server).await.1.expect_err("cancelled");
    assert!(error.is_cancelled() && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn cancel_responses_map_to_outcomes() {
    for (status, body, expected) in [
        (202, r#"{"status":"CANCELLATION_REQUESTED"}"#, Cancellation::Requested),
        (200, r#"{"status":"OK"}"#, Cancellation::Removed),
        (400, r#"{"status":"ALREADY_COMPLETED"}"#, Cancellation::AlreadyCompleted),
        (404, r#"{"status":"NOT_FOUND"}"#, Cancellation::NotFound),
        (202, r#"{"status":"LATER"}"#, Cancellation::Other("LATER".to_owned())),
        (200, r#"{"success":true}"#, Cancellation::Requested),
        (202, "", Cancellation::Requested),
    ] {
        let server = server(&[("cancel", vec![Reply::json(status, body)])]).await;
        assert_eq!(server.client().endpoint("a/b").cancel("R1").await.expect("an outcome"), expected);
    }
    for (status, body) in [(404, r#"{"detail":"Application not found"}"#), (401, r#"{"detail":"no"}"#), (400, "")] {
        let server = server(&[("cancel", vec![Reply::json(status, body)])]).await;
        let error = server.client().endpoint("a/b").cancel("R1").await.expect_err("an error");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
    }
}

#[tokio::test]
async fn a_timed_out_subscription_is_cancelled() {
    let cancel = ("cancel", vec![Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#)]);
    let script =
        [submitted(), ("stream", vec![Reply::json(404, "{}")]), ("status", vec![Reply::json(202, QUEUED)]), cancel];
    let server = server(&script).await;
    let call = server.client().endpoint("a/b").subscribe(json!({})).timeout(LIMIT);
    let error = passing(LIMIT, received(&server, "status", 1), call).await.expect_err("timed out");
    assert!(error.is_timeout(), "{error}");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::Timeout, Some("R1")));
    assert_eq!(error.cancellation(), Some(&Cancellation::Requested));
    let last = server.lines().pop();
    assert_eq!(last.as_deref(), Some("PUT /queue/a/b/requests/R1/cancel"));
}

#[tokio::test]
async fn a_dropped_subscription_is_cancelled_only_with_cancel_on_drop() {
    for cancels in [false, true] {
        let (sender, cancelled) = tokio::sync::watch::channel(false);
        let server = Server::start(move |_, seen| match operation(seen) {
            "submit" => Reply::json(200, SUBMITTED),
            "cancel" => {
                sender.send_replace(true);
                Reply::json(202, r#"{"status":"CANCELLATION_REQUESTED"}"#)
            }
            "stream" => Reply::json(404, "{}"),
            _ => Reply::json(202, QUEUED),
        })
        .await;
        let mut updates = server.client().endpoint("a/b").subscribe(json!({})).cancel_on_drop(cancels).updates();
        updates.next().await.expect("a job").expect("no error");
        drop(updates);
        if cancels {
            let mut cancelled = cancelled.clone();
            cancelled.wait_for(|cancelled| *cancelled).await.expect("a cancellation");
        } else {
            // A task started by the drop would run before this call completes.
            server.client().endpoint("a/b").status("R1").await.expect("a status");
            assert!(!*cancelled.borrow());
        }
    }
}

#[tokio::test]
async fn requests_in_flight_stay_within_the_limit() {
    let most = Arc::new(Mutex::new((0_usize, 0_usize)));
    let count = Arc::clone(&most);
    let server = Server::start(move |_, seen| {
        let mut count = count.lock().expect("not poisoned");
        match operation(seen) {
            "submit" => {
                count.0 += 1;
                count.1 = count.1.max(count.0);
                Reply::json(200, SUBMITTED)
            }
            "stream" => Reply::events(&[COMPLETED]),
            _ => {
                count.0 -= 1;
                Reply::json(200, "{}")
            }
        }
    })
    .await;
    let client = server.builder().max_in_flight(2).build().expect("a client");
    let calls = (0..8).map(|_| client.endpoint("a/b").subscribe(json!({})).send());
    let done = futures_util::future::join_all(calls).await;
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(*most.lock().expect("not poisoned"), (0, 2));
}

#[tokio::test]
async fn a_submission_without_a_response_is_not_retried() {
    let server = server(&[("submit", vec![Reply::never()])]).await;
    let client = server.builder().response_timeout(LIMIT).build().expect("a client");
    let call = client.endpoint("a/b").submit(json!({}));
    let error = passing(LIMIT, server.held(), call).await.expect_err("timed out");
    assert!(error.is_timeout() && error.attempts().len() == 1, "{error:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_timed_out_wait_cancels_only_with_cancel_on_timeout() {
    let cancel = ("cancel", vec![Reply::json(400, r#"{"status":"ALREADY_COMPLETED"}"#)]);
    let script = [("stream", vec![Reply::json(404, "{}")]), ("status", vec![Reply::json(202, QUEUED)]), cancel];
    let server = server(&script).await;
    let endpoint = server.client().endpoint("a/b");
    let call = endpoint.wait("R1").timeout(LIMIT);
    let error = passing(LIMIT, received(&server, "status", 1), call).await.expect_err("timed out");
    assert!(error.is_timeout() && error.cancellation().is_none());
    assert!(!server.lines().iter().any(|line| line.starts_with("PUT")));
    let call = endpoint.wait("R1").timeout(LIMIT).cancel_on_timeout(true);
    let polled = count_of(&server, "status") + 1;
    let error = passing(LIMIT, received(&server, "status", polled), call).await.expect_err("timed out");
    assert_eq!(error.cancellation(), Some(&Cancellation::AlreadyCompleted));
}

#[tokio::test]
async fn a_call_abandoned_between_two_attempts_is_not_retried() {
    for timed in [false, true] {
        let (sender, mut receiver) = tokio::sync::watch::channel(false);
        let server = Server::start(move |_, _| {
            sender.send_replace(true);
            Reply::json(429, "{}")
        })
        .await;
        let hour = Duration::from_secs(3600);
        let policy = RetryPolicy::default().first_delay(hour).max_delay(hour);
        let client = server.builder().retry(policy).max_in_flight(1).build().expect("a client");
        let endpoint = client.endpoint("a/b");
        let call = endpoint.subscribe(json!({})).cancel_on_drop(true);
        if timed {
            let call = call.timeout(LIMIT);
            passing(LIMIT, requests(&server, 1), call).await.expect_err("timed out");
        } else {
            tokio::select! {
                _ = call.send() => unreachable!("the backoff is an hour"),
                _ = receiver.wait_for(|sent| *sent) => {}
            }
        }
        // A retry in the background would occupy the only slot.
        let call = endpoint.run(json!({})).timeout(LIMIT);
        passing(LIMIT, requests(&server, 2), call).await.expect_err("busy");
        assert_eq!(server.lines(), ["POST /queue/a/b", "POST /run/a/b"]);
    }
}

#[tokio::test]
async fn a_start_timeout_is_not_retried() {
    let late = Reply::json(504, r#"{"detail":"late"}"#).header("x-fal-request-timeout-type", "user");
    let other = Reply::json(504, "nginx").header("x-fal-request-timeout-type", "infrastructure");
    let gateway = Reply::json(502, "nginx").header("x-fal-request-timeout-type", "user");
    for (first, attempts) in [(late, 1), (other, 2), (gateway, 2)] {
        for name in ["status", "result", "cancel"] {
            let server = server(&[(name, vec![first.clone(), Reply::json(200, COMPLETED)])]).await;
            let endpoint = server.client().endpoint("a/b");
            let error = match name {
                "status" => endpoint.status("R1").await.map(drop).err(),
                "result" => endpoint.result("R1").await.map(drop).err(),
                _ => endpoint.cancel("R1").await.map(drop).err(),
            };
            assert_eq!((server.seen().len(), error.is_some()), (attempts, attempts == 1), "{name}: {first:?}");
            assert!(error.is_none_or(|error| error.is_start_timeout() && !error.is_retryable()));
        }
    }
}

#[tokio::test]
async fn every_ended_call_frees_its_slot() {
    let script = [
        ("submit", vec![Reply::json(403, "{}"), Reply::json(200, "{}"), Reply::json(200, SUBMITTED)]),
        ("stream", vec![Reply::json(404, "{}")]),
        ("status", vec![Reply::json(403, "{}"), Reply::json(202, QUEUED)]),
    ];
    let server = server(&script).await;
    let client = server.builder().max_in_flight(1).build().expect("a client");
    let endpoint = client.endpoint("a/b");

    endpoint.subscribe(json!({})).await.expect_err("refused");
    endpoint.submit(json!({})).await.expect_err("no id");
    endpoint.subscribe(json!({})).await.expect_err("forbidden");
    endpoint.submit(json!({})).await.expect("a job");
    let call = endpoint.subscribe(json!({})).timeout(LIMIT);
    passing(LIMIT, received(&server, "status", 2), call).await.expect_err("timed out");
    // Dropped while it is followed and another call waits for the slot.
    let mut updates = endpoint.subscribe(json!({})).updates();
    updates.next().await.expect("a job").expect("no error");
    let sent = server.seen().len();
    let call = endpoint.submit(json!({})).timeout(LIMIT);
    passing(LIMIT, std::future::ready(()), call).await.expect_err("no free slot");
    let submitted = server.lines()[sent..].iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(submitted, 0, "sent without a slot");
    drop(updates);
    endpoint.submit(json!({})).await.expect("a job");
}

/// The call is dropped during the cancel request of its timeout, so a second cancel request is sent.
#[tokio::test]
async fn a_call_dropped_while_cancelling_cancels_again() {
    let (sender, mut receiver) = tokio::sync::watch::channel(0);
    let server = Server::start(move |_, seen| match operation(seen) {
        "submit" => Reply::json(200, SUBMITTED),
        "cancel" => {
            sender.send_modify(|count| *count += 1);
            Reply::never()
        }
        "stream" => Reply::json(404, "{}"),
        _ => Reply::json(202, QUEUED),
    })
    .await;
    let call = server.client().endpoint("a/b").subscribe(json!({})).timeout(LIMIT).cancel_on_drop(true);
    let call = passing(LIMIT, received(&server, "status", 1), call);
    tokio::select! {
        _ = call => unreachable!("the server never responds"),
        _ = receiver.wait_for(|count| *count == 1) => {}
    }
    receiver.wait_for(|count| *count == 2).await.expect("a second cancel request");
}
