//! Calls that are dropped, cancelled or timed out. A call is expected to cost 0.1 dollars.

use std::future::ready;
use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::money::Budget;
use fal_client::{Cancellation, Client, FileInput, JobEvent};
use fal_emulator::{Emulator, Pace};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde_json::json;

use crate::server::{Reply, Server};
use crate::support::{ENDPOINT, assert_amounts, budget, client, dollars, emulator, input, price};

/// Starts a server that never responds, and a client of it.
async fn silent() -> (Server, Client, Budget) {
    let server = Server::start(|_, _| Reply::never()).await;
    let budget = Budget::usd(1).prices([price("a/b")]).expect_units("a/b", 1);
    let client = server.builder().budget(budget.clone()).build().expect("a client");
    (server, client, budget)
}

#[tokio::test]
async fn calls_that_are_dropped_after_sending_are_spent() {
    let (server, client, budget) = silent().await;
    let endpoint = client.endpoint("a/b");
    let stream = endpoint.stream(json!({}));
    let calls: [BoxFuture<'static, ()>; 4] = [
        endpoint.run(json!({})).send().map(drop).boxed(),
        endpoint.submit(json!({})).send().map(drop).boxed(),
        endpoint.subscribe(json!({})).send().map(drop).boxed(),
        stream.finish().map(drop).boxed(),
    ];
    let calls = calls.map(tokio::spawn);
    server.held_times(4).await;
    assert_amounts(&budget, "0", "0.4");
    for call in calls {
        call.abort();
        assert!(call.await.is_err_and(|error| error.is_cancelled()));
    }
    assert_amounts(&budget, "0.4", "0");
}

#[tokio::test]
async fn calls_that_are_dropped_before_sending_are_released() {
    let (server, _, _) = silent().await;
    let budget = budget("1");
    let client = server.builder().budget(budget.clone()).build().expect("a client");
    let file = FileInput::bytes(vec![0x89, b'P', b'N', b'G', 13, 10, 26, 10], "image/png");
    let call = client.endpoint(redux::ENDPOINT).run(redux::Input::builder().image_url(file)).validate(false);
    let call = tokio::spawn(async move { drop(call.await) });
    server.held().await;
    assert_amounts(&budget, "0", "0.1");
    call.abort();
    assert!(call.await.is_err_and(|error| error.is_cancelled()));
    assert_amounts(&budget, "0", "0");
    assert!(server.lines().iter().all(|line| line.contains("/rest/")), "{:?}", server.lines());
}

#[tokio::test]
async fn timed_out_calls_are_spent_if_they_were_sent() {
    let (server, client, budget) = silent().await;
    let call = client.endpoint("a/b").run(json!({})).timeout(Duration::ZERO);
    assert!(call.await.is_err_and(|error| error.is_timeout()));
    assert_amounts(&budget, "0", "0");
    assert!(server.seen().is_empty());

    let limit = Duration::from_secs(1000);
    let call = tokio::spawn(client.endpoint("a/b").run(json!({})).timeout(limit).send());
    server.held().await;
    tokio::time::pause();
    tokio::time::advance(limit).await;
    let error = call.await.expect("a task").expect_err("timed out");
    assert!(error.is_timeout() && error.may_have_been_accepted(), "{error}");
    assert_amounts(&budget, "0.1", "0");
}

#[tokio::test]
async fn cancelled_subscriptions_release_what_was_removed() {
    let emulator = Emulator::builder().pace(Pace::manual()).start().await.expect("an emulator");
    let budget = budget("1");
    let endpoint = client(&emulator, &budget).endpoint(ENDPOINT);
    let error = endpoint.subscribe(input()).cancel_when(ready(())).await.expect_err("not sent");
    assert!(error.is_cancelled() && emulator.jobs().is_empty(), "{error}");
    assert_amounts(&budget, "0", "0");

    let (interrupt, interrupted) = tokio::sync::oneshot::channel::<()>();
    let mut interrupt = Some(interrupt);
    let call = endpoint.subscribe(input()).cancel_when(interrupted);
    let call = call.on_update(move |_| drop(interrupt.take()));
    let error = call.await.expect_err("cancelled");
    assert_eq!(error.cancellation(), Some(&Cancellation::Removed));
    assert_amounts(&budget, "0", "0");
}

#[tokio::test]
async fn submissions_that_are_cancelled_on_their_way_are_released() {
    let (interrupt, interrupted) = tokio::sync::oneshot::channel();
    let interrupt = std::sync::Mutex::new(Some(interrupt));
    let emulator = Emulator::builder().pace(Pace::manual()).on_request(move |_| {
        if let Some(interrupt) = interrupt.lock().expect("not poisoned").take() {
            interrupt.send(()).expect("a call");
        }
    });
    let emulator = emulator.start().await.expect("an emulator");
    let budget = budget("1");
    let call = client(&emulator, &budget).endpoint(ENDPOINT).submit(input()).cancel_when(interrupted);
    let error = call.await.expect_err("cancelled");
    assert_eq!(error.cancellation(), Some(&Cancellation::Removed), "{error}");
    assert_eq!(emulator.jobs().len(), 1);
    assert_amounts(&budget, "0", "0");
}

#[tokio::test]
async fn dropped_subscriptions_stay_reserved_until_the_result_is_read() {
    let emulator = emulator().await;
    let budget = budget("1");
    let client = client(&emulator, &budget);
    let mut updates = client.endpoint(ENDPOINT).subscribe(input()).updates();
    let job = match updates.next().await {
        Some(Ok(JobEvent::Enqueued(job))) => job,
        other => panic!("no job: {other:?}"),
    };
    drop(updates);
    assert_amounts(&budget, "0", "0.1");
    client.resume(job).wait().await.expect("an output");
    assert_eq!(budget.reserved(), dollars("0"));
}
