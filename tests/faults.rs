//! Whatever goes wrong on the way: what is paid for is sent once, and a request that fal has taken ends in exactly one of
//! a result, an error that has its id, or its cancellation.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::{Cancellation, Client, Error, ErrorKind, QueueUpdate, Response, RetryPolicy};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::TryStreamExt;
use proptest::prelude::*;
use serde_json::{Value, json};

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

fn input() -> Value {
    json!({ "image_url": "https://example.com/a.png" })
}

/// A client that repeats after a moment only.
fn client_of(emulator: &Emulator) -> Client {
    emulator
        .client_builder()
        .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
        .idle_timeout(Duration::from_millis(250))
        .stream_idle_timeout(Duration::from_millis(250))
        .build()
        .expect("a client")
}

/// How many requests of an operation arrived.
fn arrived(emulator: &Emulator, operation: Operation) -> usize {
    emulator.requests().iter().filter(|request| request.operation() == operation).count()
}

/// What happens to a call whose first request meets a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// The request is repeated, and all is well.
    Repeated,
    /// The fault is the caller's error.
    Error,
    /// The caller does not notice.
    Well,
}

use Outcome::{Error as Fails, Repeated, Well};

fn nginx(status: u16) -> Fault {
    Fault::respond(status).html("<html><center>nginx</center></html>")
}

/// Each point at which a request can fail, and what each operation makes of it: a run, a submission; a status, a stream
/// of statuses, which another stream or polls go on with, a result and a cancellation, which may be repeated. Within an
/// answer the number is that of its bytes, and of a stream's events, of which there is one here.
#[rustfmt::skip]
fn table() -> Vec<(&'static str, Fault, [Outcome; 6])> {
    let lost = Fault::drop_connection;
    let busy = Fault::respond(503).header("x-fal-needs-retry", "1").header("x-fal-request-id", "r");
    vec![
        // what                            fault                                                   run       submit    status    stream    result    cancel
        ("closed before it took effect",   lost(),                                                [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("closed after it took effect",    lost().after_effect(),                                 [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("closed within the request",      Fault::drop_request_after(5),                          [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("closed within the head",         Fault::drop_response_in_head(),                                    [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("silent after the head",          Fault::stall_response_after(0),                               [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("silent within the answer",       Fault::stall_response_after(3),                               [Fails,    Fails,    Repeated, Well,     Repeated, Repeated]),
        ("slow, but whole",                Fault::throttle(200, Duration::from_millis(1)),            [Well,     Well,     Well,     Well,     Well,     Well]),
        ("closed after the head",          Fault::drop_response_after(0),                                  [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("closed within the answer",       Fault::drop_response_after(3),                                  [Fails,    Fails,    Repeated, Well,     Repeated, Repeated]),
        ("429",                            Fault::respond(429),                                    [Repeated, Repeated, Repeated, Repeated, Repeated, Repeated]),
        ("429 with Retry-After",           Fault::respond(429).header("retry-after", "0"),         [Repeated, Repeated, Repeated, Repeated, Repeated, Repeated]),
        ("408",                            Fault::respond(408),                                    [Fails,    Fails,    Fails,    Repeated, Fails,    Fails]),
        ("409",                            Fault::respond(409),                                    [Fails,    Fails,    Fails,    Repeated, Fails,    Fails]),
        ("500",                            Fault::respond(500),                                    [Fails,    Fails,    Repeated, Repeated, Fails,    Fails]),
        ("502 of a gateway",               nginx(502),                                            [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("503 of a gateway",               nginx(503),                                            [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("504 of a gateway",               nginx(504),                                            [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("502 after it took effect",       nginx(502).after_effect(),                             [Fails,    Fails,    Repeated, Repeated, Repeated, Repeated]),
        ("503 that asks for a repetition", busy,                                                  [Fails,    Fails,    Repeated, Repeated, Fails,    Repeated]),
        ("401",                            Fault::respond(401),                                    [Fails,    Fails,    Fails,    Fails,    Fails,    Fails]),
        ("403",                            Fault::respond(403),                                    [Fails,    Fails,    Fails,    Fails,    Fails,    Fails]),
        ("a redirect",                     Fault::respond(307).header("location", "https://x.y/"), [Fails,    Fails,    Fails,    Repeated, Fails,    Fails]),
        ("an answer that is no JSON",      Fault::respond(200).html("<p>hello"),                   [Fails,    Fails,    Fails,    Repeated, Fails,    Fails]),
        ("a late answer",                  Fault::none().delay(Duration::from_millis(5)),         [Well,     Well,     Well,     Well,     Well,     Well]),
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
async fn the_table_of_faults_holds() {
    for (what, fault, outcomes) in table() {
        for (operation, expected) in OPERATIONS.into_iter().zip(outcomes) {
            let emulator = Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator");
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
            let polls = if operation == Operation::StatusStream { arrived(&emulator, Operation::Status) } else { 0 };
            let requests = arrived(&emulator, operation) + polls;
            let outcome = match (&error, requests) {
                (Some(_), _) => Fails,
                (None, 1) => Well,
                (None, _) => Repeated,
            };
            assert_eq!(outcome, expected, "{what} at {operation:?}: {error:?}");
            if matches!(operation, Operation::Run | Operation::Submit) {
                assert!(emulator.jobs().len() <= 1, "{what} at {operation:?} is paid twice");
            } else if let Some(error) = error {
                assert_eq!(error.request_id(), Some(request.as_str()), "{what} at {operation:?}");
            }
        }
    }
}

/// One thing that goes wrong, or that the caller does.
#[derive(Clone, Debug)]
enum Event {
    Fault(Operation, Fault),
    /// The caller cancels after so many updates.
    Cancel(usize),
    /// The caller drops the call after so many updates, and asks again by the id.
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
        2 => Just(nginx(502)),
        2 => Just(nginx(503)),
    ];
    let event = prop_oneof![
        12 => (operation, kind).prop_map(|(operation, fault)| Event::Fault(operation, fault)),
        1 => (0_usize..4).prop_map(Event::Cancel),
        1 => (0_usize..4).prop_map(Event::DropAndResume),
    ];
    prop::collection::vec(event, 0..14)
}

/// What a caller saw of one request.
#[derive(Debug, Default)]
struct Seen {
    request_id: Option<String>,
    messages: Vec<String>,
    cancelled: Option<Cancellation>,
}

async fn subscribe(events: &[Event]) -> (Emulator, Seen, Result<Response<Value>, Error>) {
    let moment = Duration::from_millis(2);
    let pace = Pace::default().ahead(1).waiting(moment).log_lines(4).running(moment);
    let emulator = Emulator::builder().pace(pace).start().await.expect("an emulator");
    let (mut cancel_after, mut drop_after) = (None, None);
    for event in events {
        match event {
            Event::Fault(operation, fault) => emulator.inject_fault(*operation, fault.clone()),
            Event::Cancel(after) => cancel_after = Some(*after),
            Event::DropAndResume(after) => drop_after = Some(*after),
        }
    }
    let endpoint = client_of(&emulator).endpoint(ENDPOINT);
    let seen = Arc::new(Mutex::new((Seen::default(), 0)));
    let (at_enqueue, at_update) = (Arc::clone(&seen), Arc::clone(&seen));
    let (told, mut hears) = tokio::sync::watch::channel(0_usize);
    let call = endpoint
        .subscribe(input())
        .logs(true)
        .on_enqueue(move |job| at_enqueue.lock().expect("not poisoned").0.request_id = Some(job.request_id.clone()))
        .on_update(move |update| {
            let mut seen = at_update.lock().expect("not poisoned");
            seen.0.messages.extend(update.logs().iter().map(|line| line.message.clone()));
            seen.1 += 1;
            told.send_replace(seen.1);
        })
        .into_future();
    let watch = async {
        let after = cancel_after.into_iter().chain(drop_after).min();
        match after {
            Some(after) => drop(hears.wait_for(|count| *count > after).await),
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
        // The call is dropped: what goes on is known by its id.
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
async fn a_connection_that_is_closed_before_a_byte_is_read_counts_as_broken() {
    for (operation, tries) in [(Operation::Submit, 1), (Operation::Status, 2)] {
        let emulator = Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator");
        let endpoint = client_of(&emulator).endpoint(ENDPOINT);
        emulator.drop_connections(1);
        let attempts = match operation {
            Operation::Submit => endpoint.submit(input()).await.expect_err("broken").attempts().len(),
            _ => endpoint.status("unknown").await.expect_err("no such request").attempts().len(),
        };
        assert_eq!((attempts, emulator.jobs().len()), (tries, 0), "{operation:?}");
    }
}

/// What did not connect has arrived nowhere, and is repeated whatever it is.
#[tokio::test]
async fn without_a_connection_everything_is_repeated() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let client = Client::builder()
        .key("id:secret")
        .run_host(format!("http://{nobody}"))
        .queue_host(format!("http://{nobody}"))
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
        let error = error.expect_err("nobody there");
        assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::Connect, 3), "{operation:?}");
        let id = (!matches!(operation, Operation::Run | Operation::Submit)).then_some("R1");
        assert_eq!(error.request_id(), id, "{operation:?}");
    }
}

/// fal takes the request while its caller has given up: the caller will never know of it, so it is cancelled.
#[tokio::test]
async fn a_submission_that_is_given_up_is_taken_back() {
    for wanted in [true, false] {
        let (told, mut hears) = tokio::sync::watch::channel(0);
        let seen = told.clone();
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
        let moment = Duration::from_millis(300);
        let error =
            endpoint.subscribe(input()).timeout(moment).cancel_on_timeout(wanted).await.expect_err("out of time");
        assert!(error.is_timeout() && error.endpoint() == Some(ENDPOINT), "{error:?}");
        late();
        let error = endpoint.submit(input()).timeout(moment).await.expect_err("out of time");
        assert!(error.is_timeout() && error.endpoint() == Some(ENDPOINT), "{error:?}");
        late();
        let call = endpoint.subscribe(input()).cancel_on_drop(wanted).into_future();
        assert!(tokio::time::timeout(moment, call).await.is_err());

        emulator.advance_time(hour);
        // Of a submission alone nobody has the id, so there is nothing to wish for.
        let expected = if wanted { 3 } else { 1 };
        hears.wait_for(|count| *count == expected).await.expect("cancellations");
        endpoint.status("unknown").await.expect_err("no such request");
        assert_eq!(*hears.borrow(), expected);
        assert_eq!(emulator.jobs().iter().filter(|job| job.was_cancelled()).count(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_subscription_ends_in_exactly_one_way(events in events()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (emulator, seen, outcome) = subscribe(&events).await;
            let jobs = emulator.jobs();
            prop_assert!(jobs.len() <= 1, "{jobs:?}");
            match (&outcome, &seen.request_id) {
                // A result, whose request fal knows as that of the only job.
                (Ok(response), Some(id)) => {
                    prop_assert_ne!(seen.cancelled, Some(Cancellation::Removed));
                    prop_assert_eq!(&response.request_id, id);
                    prop_assert!(response.data["images"].is_array());
                }
                (Ok(_), None) => prop_assert!(false, "a result without a request"),
                // An error that has the id, if the caller ever had it.
                (Err(error), Some(id)) => {
                    prop_assert_eq!(error.request_id(), Some(id.as_str()), "{:?}", error);
                }
                // Without an id, the submission itself failed, or the caller was not told of it.
                (Err(error), None) => prop_assert!(
                    events.iter().any(|event| matches!(event, Event::Fault(Operation::Submit, _))),
                    "{:?}",
                    error
                ),
            }
            // No line came twice; and where the call ended well, none was lost.
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
