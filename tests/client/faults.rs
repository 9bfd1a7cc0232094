//! Faults of every request. Billable requests are sent once. A request that fal accepted ends in exactly one of a result,
//! an error with its id, or its cancellation.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{Cancellation, Client, Error, ErrorKind, QueueUpdate, Response, RetryPolicy};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::TryStreamExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::emulator::{count, counted, start, start_instant};
use crate::support::time::passing;
use crate::support::unreachable::Unreachable;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

fn input() -> Value {
    json!({ "image_url": "https://example.com/a.png" })
}

/// Builds a client that retries immediately.
fn client_of(emulator: &Emulator) -> Client {
    emulator
        .client_builder()
        .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
        .idle_timeout(Duration::from_millis(250))
        .status_idle_timeout(Duration::from_millis(250))
        .build()
        .expect("a client")
}

/// The effect of a fault of the first request on its call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// The client retries the request, and the call succeeds.
    Retried,
    /// The call fails with the fault's error.
    Error,
    /// The call succeeds with one request.
    Passes,
}

use Outcome::{Error as Fails, Passes, Retried};

/// Each point at which a request can fail, and the outcome for each operation. Another stream or polls continue a broken
/// status stream. Numbers within a response count its bytes, or the events of a stream, of which there is one here.
#[rustfmt::skip]
fn table() -> Vec<(&'static str, Fault, [Outcome; 6])> {
    let lost = Fault::drop_connection;
    let busy = Fault::respond(503).header("x-fal-needs-retry", "1").header("x-fal-request-id", "r");
    vec![
        // name                          fault                                                   run      submit   status   stream   result   cancel
        ("closed before it took effect", lost(),                                                [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("closed after it took effect",  lost().after_effect(),                                 [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("closed within the request",    Fault::drop_request_after(5),                          [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("closed within the head",       Fault::drop_response_in_head(),                                    [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("silent after the head",        Fault::stall_response_after(0),                               [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("silent within the response",   Fault::stall_response_after(3),                               [Fails,   Fails,   Retried, Passes,  Retried, Retried]),
        ("slow but complete",            Fault::throttle(200, Duration::from_millis(1)),            [Passes,  Passes,  Passes,  Passes,  Passes,  Passes]),
        ("closed after the head",        Fault::drop_response_after(0),                                  [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("closed within the response",   Fault::drop_response_after(3),                                  [Fails,   Fails,   Retried, Passes,  Retried, Retried]),
        ("429",                          Fault::respond(429),                                    [Retried, Retried, Retried, Retried, Retried, Retried]),
        ("429 with Retry-After",         Fault::respond(429).header("retry-after", "0"),         [Retried, Retried, Retried, Retried, Retried, Retried]),
        ("408",                          Fault::respond(408),                                    [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("409",                          Fault::respond(409),                                    [Fails,   Fails,   Fails,   Retried, Fails,   Fails]),
        ("500",                          Fault::respond(500),                                    [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("502 from a gateway",           Fault::nginx(502),                                     [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("503 from a gateway",           Fault::nginx(503),                                     [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("504 from a gateway",           Fault::nginx(504),                                     [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("502 after it took effect",     Fault::nginx(502).after_effect(),                      [Fails,   Fails,   Retried, Retried, Retried, Retried]),
        ("503 that asks for a retry",    busy,                                                  [Fails,   Fails,   Retried, Retried, Fails,   Retried]),
        ("401",                          Fault::respond(401),                                    [Fails,   Fails,   Fails,   Retried, Fails,   Fails]),
        ("403",                          Fault::respond(403),                                    [Fails,   Fails,   Fails,   Retried, Fails,   Fails]),
        ("a redirect",                   Fault::respond(307).header("location", "https://x.y/"), [Fails,   Fails,   Fails,   Retried, Fails,   Fails]),
        ("a response that is not JSON",  Fault::respond(200).html("<p>hello"),                   [Fails,   Fails,   Fails,   Retried, Fails,   Fails]),
        ("a late response",              Fault::none().delay(Duration::from_millis(5)),         [Passes,  Passes,  Passes,  Passes,  Passes,  Passes]),
    ]
}

const OPERATIONS: [Operation; 6] = [
    Operation::Run,
    Operation::Submit,
    Operation::Status,
    Operation::StatusStream,
    Operation::Result,
    Operation::Cancel,
];

#[tokio::test]
async fn every_fault_has_its_outcome_for_every_operation() {
    for (name, fault, outcomes) in table() {
        for (operation, expected) in OPERATIONS.into_iter().zip(outcomes) {
            let emulator = start_instant().await;
            let endpoint = client_of(&emulator).endpoint(ENDPOINT);
            let job = match operation {
                Operation::Run | Operation::Submit => None,
                _ => Some(endpoint.submit(input()).await.expect("a job")),
            };
            let request = job.map(|job| job.request_id).unwrap_or_default();
            emulator.inject_fault(operation, fault.clone());
            let error = match operation {
                Operation::Run => endpoint.run(input()).await.map(drop).err(),
                Operation::Submit => endpoint.submit(input()).await.map(drop).err(),
                Operation::Status => endpoint.status(&request).await.map(drop).err(),
                Operation::StatusStream => {
                    let updates: Result<Vec<_>, _> = endpoint.status_stream(&request).try_collect().await;
                    assert!(
                        updates.as_ref().map_or(true, |updates| updates.last().is_some_and(QueueUpdate::is_completed))
                    );
                    updates.map(drop).err()
                }
                Operation::Result => endpoint.result(&request).await.map(drop).err(),
                _ => endpoint.cancel(&request).await.map(drop).err(),
            };
            let polls = if operation == Operation::StatusStream { count(&emulator, Operation::Status) } else { 0 };
            let requests = count(&emulator, operation) + polls;
            let outcome = match (&error, requests) {
                (Some(_), _) => Fails,
                (None, 1) => Passes,
                (None, _) => Retried,
            };
            assert_eq!(outcome, expected, "{name} at {operation:?}: {error:?}");
            if matches!(operation, Operation::Run | Operation::Submit) {
                assert!(emulator.jobs().len() <= 1, "{name} at {operation:?} is billed twice");
            } else if let Some(error) = error {
                assert_eq!(error.request_id(), Some(request.as_str()), "{name} at {operation:?}");
            }
        }
    }
}

/// A fault, or an action of the caller.
#[derive(Clone, Debug)]
enum Event {
    Fault(Operation, Box<Fault>),
    /// The caller cancels after this many updates.
    Cancel(usize),
    /// The caller drops the call after this many updates and waits for the request by its id.
    DropAndResume(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let operation = prop_oneof![
        1 => Just(Operation::Submit),
        3 => Just(Operation::StatusStream),
        3 => Just(Operation::Status),
        3 => Just(Operation::Result),
        1 => Just(Operation::Cancel),
    ];
    let kind = prop_oneof![
        3 => Just(Fault::none()),
        2 => Just(Fault::drop_connection()),
        2 => Just(Fault::drop_connection().after_effect()),
        3 => (0_usize..5).prop_map(Fault::drop_response_after),
        1 => Just(Fault::respond(429)),
        1 => Just(Fault::respond(404)),
        1 => Just(Fault::respond(500)),
        2 => Just(Fault::nginx(502)),
        2 => Just(Fault::nginx(503)),
    ];
    let event = prop_oneof![
        12 => (operation, kind).prop_map(|(operation, fault)| Event::Fault(operation, Box::new(fault))),
        1 => (0_usize..4).prop_map(Event::Cancel),
        1 => (0_usize..4).prop_map(Event::DropAndResume),
    ];
    prop::collection::vec(event, 0..14)
}

/// The events of one request that its caller saw.
#[derive(Debug, Default)]
struct Seen {
    request_id: Option<String>,
    messages: Vec<String>,
    cancelled: Option<Cancellation>,
}

async fn subscribe(events: &[Event]) -> (Emulator, Seen, Result<Response<Value>, Error>) {
    let moment = Duration::from_millis(2);
    let pace = Pace::default().ahead(1).waiting(moment).log_lines(4).running(moment);
    let emulator = start(pace).await;
    let (mut cancel_after, mut drop_after) = (None, None);
    for event in events {
        match event {
            Event::Fault(operation, fault) => emulator.inject_fault(*operation, (**fault).clone()),
            Event::Cancel(after) => cancel_after = Some(*after),
            Event::DropAndResume(after) => drop_after = Some(*after),
        }
    }
    let endpoint = client_of(&emulator).endpoint(ENDPOINT);
    let seen = Arc::new(Mutex::new((Seen::default(), 0)));
    let (at_enqueue, at_update) = (Arc::clone(&seen), Arc::clone(&seen));
    let (sender, mut receiver) = tokio::sync::watch::channel(0_usize);
    let call = endpoint
        .subscribe(input())
        .logs(true)
        .on_enqueue(move |job| at_enqueue.lock().expect("not poisoned").0.request_id = Some(job.request_id.clone()))
        .on_update(move |update| {
            let mut seen = at_update.lock().expect("not poisoned");
            seen.0.messages.extend(update.logs().iter().map(|line| line.message.clone()));
            seen.1 += 1;
            sender.send_replace(seen.1);
        })
        .send();
    let watch = async {
        let after = cancel_after.into_iter().chain(drop_after).min();
        match after {
            Some(after) => drop(receiver.wait_for(|count| *count > after).await),
            None => std::future::pending().await,
        }
    };
    let outcome = {
        tokio::pin!(call);
        tokio::select! {
            biased;
            outcome = &mut call => Some(outcome),
            () = watch => None,
        }
    };
    let request_id = seen.lock().expect("not poisoned").0.request_id.clone();
    let outcome = match (outcome, request_id) {
        (Some(outcome), _) => outcome,
        // The call is dropped. The caller continues with the id.
        (None, Some(request_id)) => {
            if cancel_after.is_some() {
                let cancelled = endpoint.cancel(&request_id).await;
                seen.lock().expect("not poisoned").0.cancelled = cancelled.ok();
            }
            endpoint.wait(&request_id).await
        }
        (None, None) => Err(endpoint.status("unknown").await.expect_err("no such request")),
    };
    let seen = std::mem::take(&mut seen.lock().expect("not poisoned").0);
    (emulator, seen, outcome)
}

#[tokio::test]
async fn a_connection_closed_before_the_first_byte_may_have_delivered_its_request() {
    for (operation, expected) in [(Operation::Submit, 1), (Operation::Status, 2)] {
        let emulator = start_instant().await;
        let endpoint = client_of(&emulator).endpoint(ENDPOINT);
        emulator.drop_connections(1);
        let attempts = match operation {
            Operation::Submit => endpoint.submit(input()).await.expect_err("broken").attempts().len(),
            _ => endpoint.status("unknown").await.expect_err("no such request").attempts().len(),
        };
        assert_eq!((attempts, emulator.jobs().len()), (expected, 0), "{operation:?}");
    }
}

/// Without a connection fal cannot have received the request, so even billable requests are retried.
#[tokio::test]
async fn every_request_is_retried_while_no_connection_is_established() {
    let unreachable = Unreachable::bind();
    let host = format!("http://{}", unreachable.address());
    let client = Client::builder()
        .key("id:secret")
        .run_host(&host)
        .queue_host(&host)
        .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)).max_attempts(3).patience(Duration::ZERO))
        .build()
        .expect("a client");
    let endpoint = client.endpoint(ENDPOINT);
    for operation in OPERATIONS {
        let error = match operation {
            Operation::Run => endpoint.run(input()).await.map(drop),
            Operation::Submit => endpoint.submit(input()).await.map(drop),
            Operation::Status => endpoint.status("R1").await.map(drop),
            Operation::StatusStream => endpoint.status_stream("R1").try_collect::<Vec<_>>().await.map(drop),
            Operation::Result => endpoint.result("R1").await.map(drop),
            _ => endpoint.cancel("R1").await.map(drop),
        };
        let error = error.expect_err("unreachable");
        assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::Connect, 3), "{operation:?}");
        let id = (!matches!(operation, Operation::Run | Operation::Submit)).then_some("R1");
        assert_eq!(error.request_id(), id, "{operation:?}");
    }
}

/// fal accepts the request after its caller has given up. The caller never learns its id, so the client cancels it.
#[tokio::test]
async fn an_abandoned_submission_is_cancelled_when_fal_accepts_it_late() {
    for cancels in [true, false] {
        let (sender, mut receiver) = tokio::sync::watch::channel(0);
        let seen = sender.clone();
        let emulator = Emulator::builder()
            .pace(Pace::manual())
            .on_request(move |request| {
                if request.operation() == Operation::Cancel {
                    seen.send_modify(|count| *count += 1);
                }
            })
            .start()
            .await
            .expect("an emulator");
        let endpoint = client_of(&emulator).endpoint(ENDPOINT);
        let hour = Duration::from_secs(3600);
        let late = || emulator.inject_fault(Operation::Submit, Fault::none().delay(hour));

        late();
        let submitted = |submissions| counted(&emulator, Operation::Submit, submissions);
        let limit = Duration::from_secs(10);
        let call = endpoint.subscribe(input()).timeout(limit).cancel_on_timeout(cancels);
        let error = passing(limit, submitted(1), call).await.expect_err("timed out");
        assert!(error.is_timeout() && error.endpoint() == Some(ENDPOINT), "{error:?}");
        late();
        let call = endpoint.submit(input()).timeout(limit);
        let error = passing(limit, submitted(2), call).await.expect_err("timed out");
        assert!(error.is_timeout() && error.endpoint() == Some(ENDPOINT), "{error:?}");
        late();
        let call = endpoint.subscribe(input()).cancel_on_drop(cancels).send();
        tokio::select! {
            _ = call => unreachable!("the response is late"),
            () = submitted(3) => {}
        }

        emulator.advance_time(hour);
        // A plain submission is always cancelled, because no caller has its id.
        let expected = if cancels { 3 } else { 1 };
        receiver.wait_for(|count| *count == expected).await.expect("cancellations");
        endpoint.status("unknown").await.expect_err("no such request");
        assert_eq!(*receiver.borrow(), expected);
        assert_eq!(emulator.jobs().iter().filter(|job| job.was_cancelled()).count(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_subscription_ends_exactly_once_under_any_faults(events in events()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (emulator, seen, outcome) = subscribe(&events).await;
            let jobs = emulator.jobs();
            prop_assert!(jobs.len() <= 1, "{jobs:?}");
            match (&outcome, &seen.request_id) {
                // A result of the only job.
                (Ok(response), Some(id)) => {
                    prop_assert_ne!(seen.cancelled, Some(Cancellation::Removed));
                    prop_assert_eq!(response.request_id.as_ref(), Some(id));
                    prop_assert!(response.data["images"].is_array());
                }
                (Ok(_), None) => prop_assert!(false, "a result without a request"),
                // An error with the id, if the caller ever had it.
                (Err(error), Some(id)) => {
                    prop_assert_eq!(error.request_id(), Some(id.as_str()), "{:?}", error);
                }
                // Without an id, the submission itself failed or its response was lost.
                (Err(error), None) => prop_assert!(
                    events.iter().any(|event| matches!(event, Event::Fault(Operation::Submit, _))),
                    "{:?}",
                    error
                ),
            }
            // No line came twice. If the call succeeded, no line was lost.
            let once: std::collections::BTreeSet<&String> = seen.messages.iter().collect();
            prop_assert_eq!(once.len(), seen.messages.len(), "{:?}", seen.messages);
            let interrupted = events.iter().any(|event| !matches!(event, Event::Fault(..)));
            if outcome.is_ok() && !interrupted {
                prop_assert_eq!(seen.messages.len(), 4, "{:?}", seen.messages);
            }
            Ok(())
        })?;
    }
}
