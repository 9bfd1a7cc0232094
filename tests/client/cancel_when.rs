//! Calls whose request is cancelled when a future completes.

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{Cancellation, ErrorKind, JobEvent};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::{FutureExt, StreamExt};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::emulator::{count, start};
use crate::support::queue::{COMPLETED, QUEUED, count_of, received, result, server, submitted};
use crate::support::server::{Reply, Server};

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

fn input() -> serde_json::Value {
    json!({ "image_url": "https://example.com/a.png" })
}

/// Starts a server of a request that stays in the queue, with this response to its cancellation.
async fn waiting(cancel: Reply) -> Server {
    let status = ("status", vec![Reply::json(202, QUEUED)]);
    server(&[submitted(), ("stream", vec![Reply::json(404, "{}")]), status, ("cancel", vec![cancel]), result()]).await
}

/// A program that ends right after its calls leaves no request behind.
#[test]
fn every_concurrent_request_is_cancelled_before_the_runtime_ends() {
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (sender, mut submitted) = tokio::sync::watch::channel(0);
    let emulator = Emulator::builder().pace(Pace::manual()).on_request(move |request| {
        if request.operation() == Operation::StatusStream {
            sender.send_modify(|count| *count += 1);
        }
    });
    let emulator = server.block_on(emulator.start()).expect("an emulator");
    let program = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcomes = program.block_on(async {
        let client = emulator.client();
        let interrupt = Arc::new(Notify::new());
        let calls: Vec<_> = (0..8)
            .map(|_| client.endpoint(ENDPOINT).subscribe(input()).cancel_when(interrupt.notified()).send())
            .collect();
        let interrupted = async {
            submitted.wait_for(|count| *count == 8).await.expect("eight requests");
            interrupt.notify_waiters();
        };
        tokio::join!(futures_util::future::join_all(calls), interrupted).0
    });
    drop(program);
    for outcome in outcomes {
        let error = outcome.expect_err("cancelled");
        assert!(error.is_cancelled() && !error.is_retryable() && error.request_id().is_some(), "{error}");
        assert_eq!(error.cancellation(), Some(&Cancellation::Removed));
    }
    let jobs = emulator.jobs();
    assert_eq!((jobs.len(), jobs.iter().filter(|job| job.was_cancelled()).count()), (8, 8));
}

#[tokio::test]
async fn a_request_is_cancelled_although_its_submission_has_no_response_yet() {
    let emulator = start(Pace::manual()).await;
    let hour = Duration::from_secs(3600);
    let endpoint = emulator.client().endpoint(ENDPOINT);
    for attempt in 1..=2 {
        let (received, interrupt) = tokio::sync::oneshot::channel();
        let received = Mutex::new(Some(received));
        let late = Fault::none().delay(hour).when(move |_| {
            let received = received.lock().expect("not poisoned").take();
            received.is_some_and(|received| received.send(()).is_ok())
        });
        emulator.inject_fault(Operation::Submit, late);
        let interrupted = interrupt.shared();
        let respond = interrupted.clone().map(|_| emulator.advance_time(hour));
        let error = if attempt == 1 {
            let call = endpoint.subscribe(input()).cancel_when(interrupted).send();
            tokio::join!(call, respond).0.expect_err("cancelled")
        } else {
            let call = endpoint.submit(input()).cancel_when(interrupted).send();
            tokio::join!(call, respond).0.expect_err("cancelled")
        };
        assert_eq!((error.kind(), error.cancellation()), (ErrorKind::Cancelled, Some(&Cancellation::Removed)));
        assert!(error.is_cancelled() && error.request_id().is_some() && !error.may_have_been_accepted(), "{error}");
    }
    assert_eq!(emulator.jobs().iter().filter(|job| job.was_cancelled()).count(), 2);
}

#[tokio::test]
async fn a_call_cancelled_before_its_submission_sends_nothing() {
    let emulator = start(Pace::instant()).await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    for error in [
        endpoint.subscribe(input()).cancel_when(ready(())).await.map(drop),
        endpoint.submit(input()).cancel_when(ready(7)).await.map(drop),
    ] {
        let error = error.expect_err("cancelled");
        assert!(error.is_cancelled() && !error.may_have_been_accepted(), "{error}");
        assert_eq!((error.request_id(), error.endpoint()), (None, Some(ENDPOINT)));
    }
    assert_eq!(emulator.requests().len(), 0);
}

#[tokio::test]
async fn the_error_has_the_outcome_of_the_cancellation() {
    for (status, body, outcome, billed) in [
        (200, r#"{"status":"OK"}"#, Some(Cancellation::Removed), false),
        (202, r#"{"status":"CANCELLATION_REQUESTED"}"#, Some(Cancellation::Requested), true),
        (404, r#"{"status":"NOT_FOUND"}"#, Some(Cancellation::NotFound), false),
        (202, r#"{"status":"LATER"}"#, Some(Cancellation::Other("LATER".to_owned())), true),
        (401, r#"{"detail":"no"}"#, None, true),
    ] {
        let server = waiting(Reply::json(status, body)).await;
        let client = server.client();
        let call = client.endpoint("a/b").subscribe(json!({})).cancel_when(received(&server, "status", 1));
        let error = call.await.expect_err("cancelled");
        assert!(error.is_cancelled(), "{error}");
        assert_eq!((error.request_id(), error.cancellation()), (Some("R1"), outcome.as_ref()));
        assert_eq!(error.may_have_been_accepted(), billed, "{error}");
        assert_eq!((count_of(&server, "cancel"), count_of(&server, "result")), (1, 0));

        let call = client.endpoint("a/b").wait("R1").cancel_when(received(&server, "status", 2));
        let error = call.await.expect_err("cancelled");
        assert!(error.is_cancelled() && !error.may_have_been_accepted(), "{error}");
        assert_eq!((error.request_id(), error.cancellation()), (Some("R1"), outcome.as_ref()));
    }
}

#[tokio::test]
async fn a_request_that_is_already_completed_has_its_result() {
    let already = || Reply::json(400, r#"{"status":"ALREADY_COMPLETED"}"#);
    let server = waiting(already()).await;
    let call = server.client().endpoint("a/b").subscribe(json!({})).cancel_when(received(&server, "status", 1)).await;
    assert_eq!(call.expect("a result").data, json!({ "ok": 1 }));

    // It is completed, and its result is not ready at first.
    let results = vec![Reply::json(503, "nginx"), Reply::json(200, r#"{"ok":1}"#)];
    let script = [submitted(), ("stream", vec![Reply::events(&[COMPLETED])]), ("result", results)];
    let server = self::server(&script).await;
    let call = server.client().endpoint("a/b").subscribe(json!({})).cancel_when(received(&server, "result", 1)).await;
    assert_eq!(call.expect("a result").metrics.inference_time, Some(1.5));
    assert_eq!(count_of(&server, "cancel"), 0);
}

#[tokio::test]
async fn updates_end_with_the_cancellation() {
    let server = waiting(Reply::json(200, r#"{"status":"OK"}"#)).await;
    let call = server.client().endpoint("a/b").subscribe(json!({})).cancel_when(received(&server, "status", 2));
    let mut updates = call.updates();
    assert!(matches!(updates.next().await, Some(Ok(JobEvent::Enqueued(_)))));
    assert!(matches!(updates.next().await, Some(Ok(JobEvent::Update(_)))));
    let error = updates.next().await.expect("an event").expect_err("cancelled");
    assert_eq!((error.is_cancelled(), error.cancellation()), (true, Some(&Cancellation::Removed)));
    assert!(updates.next().await.is_none());
    drop(updates);
    assert_eq!(count_of(&server, "cancel"), 1);
}

#[tokio::test]
async fn a_signal_that_is_never_given_changes_nothing() {
    let emulator = start(Pace::instant()).await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    endpoint.subscribe(input()).cancel_when(std::future::pending::<()>()).await.expect("a result");
    assert_eq!((emulator.requests().len(), count(&emulator, Operation::Cancel)), (3, 0));
}
