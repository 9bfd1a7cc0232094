//! The time that a caller gives a call, over every try and pause; and how long a connection may take to come about.

use std::time::Duration;

use fal_client::{Cancellation, Client, Error, ErrorKind, ErrorType, RetryPolicy};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::StreamExt;
use serde_json::json;

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

/// A client that pauses for an hour after the first failure.
fn client_of(emulator: &Emulator) -> Client {
    emulator
        .client_builder()
        .retry(RetryPolicy::default().first_delay(Duration::from_secs(3600)).max_delay(Duration::from_secs(3600)))
        .build()
        .expect("a client")
}

/// The error of one call to a service that is busy until the caller's second is over.
async fn out_of_time(operation: Operation) -> (Error, Option<String>) {
    let emulator = Emulator::builder().pace(Pace::manual()).start().await.expect("an emulator");
    let endpoint = client_of(&emulator).endpoint(ENDPOINT);
    let input = json!({ "image_url": "https://example.com/a.png" });
    let busy = |operation| emulator.inject_fault(operation, Fault::respond(429).header("x-fal-needs-retry", "1"));
    let second = Duration::from_secs(1);
    let job = match operation {
        Operation::Run | Operation::Submit => None,
        _ => Some(endpoint.submit(input.clone()).await.expect("a job").request_id),
    };
    let id = job.clone().unwrap_or_default();
    busy(operation);
    let done = match operation {
        Operation::Run => endpoint.run(input).timeout(second).await.map(drop),
        Operation::Submit => endpoint.submit(input).timeout(second).await.map(drop),
        Operation::Status => endpoint.status(&id).timeout(second).await.map(drop),
        Operation::Result => endpoint.result(&id).timeout(second).await.map(drop),
        Operation::Cancel => endpoint.cancel(&id).timeout(second).await.map(drop),
        _ => {
            // The stream is none, and the poll meets a service that is busy.
            emulator.inject_fault(Operation::StatusStream, Fault::respond(404));
            emulator.inject_fault(Operation::Status, Fault::respond(503).html("nginx"));
            endpoint.wait(&id).timeout(second).cancel_on_timeout(true).await.map(drop)
        }
    };
    (done.expect_err("out of time"), job)
}

#[tokio::test]
async fn a_call_that_is_out_of_time_says_what_it_tried() {
    let operations = [
        Operation::Run,
        Operation::Submit,
        Operation::Status,
        Operation::Result,
        Operation::Cancel,
        Operation::StatusStream,
    ];
    let errors = futures_util::future::join_all(operations.map(out_of_time)).await;
    for (operation, (error, job)) in operations.into_iter().zip(errors) {
        assert!(error.is_timeout() && error.kind() == ErrorKind::Timeout, "{operation:?} {error:?}");
        assert!(error.to_string().contains("took longer than 1s"), "{operation:?} {error}");
        assert_eq!((error.endpoint(), error.request_id()), (Some(ENDPOINT), job.as_deref()), "{operation:?}");
        assert!(!error.attempts().is_empty(), "{operation:?} {error:?}");
        assert!(error.to_string().contains("the last try: fal answered"), "{operation:?} {error}");
        let unsent = operation == Operation::Submit;
        assert_eq!(error.to_string().contains("it was not submitted"), unsent, "{operation:?} {error}");
        for attempt in error.attempts() {
            assert!(attempt.outcome.contains("fal answered"), "{operation:?} {attempt:?}");
        }
        let cancelled = (operation == Operation::StatusStream).then_some(&Cancellation::Removed);
        assert_eq!(error.cancellation(), cancelled, "{operation:?}");
    }
}

#[tokio::test]
async fn without_any_time_nothing_is_sent() {
    let emulator = Emulator::start().await.expect("an emulator");
    let endpoint = client_of(&emulator).endpoint(ENDPOINT);
    let input = json!({ "image_url": "https://example.com/a.png" });
    let errors = [
        endpoint.run(input.clone()).timeout(Duration::ZERO).await.map(drop),
        endpoint.submit(input.clone()).timeout(Duration::ZERO).await.map(drop),
        endpoint.subscribe(input).timeout(Duration::ZERO).await.map(drop),
        endpoint.status("R1").timeout(Duration::ZERO).await.map(drop),
    ];
    for error in errors {
        assert!(error.expect_err("no time").is_timeout());
    }
    assert!(emulator.requests().is_empty());
}

/// What got through in the meantime is not told of.
#[tokio::test]
async fn what_was_tried_before_a_request_got_through_is_forgotten() {
    let emulator = Emulator::builder().pace(Pace::manual()).start().await.expect("an emulator");
    let client = emulator
        .client_builder()
        .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
        .build()
        .expect("a client");
    let endpoint = client.endpoint(ENDPOINT);
    let job = endpoint.submit(json!({ "image_url": "https://example.com/a.png" })).await.expect("a job");
    emulator.inject_fault(Operation::StatusStream, Fault::respond(404));
    emulator.inject_fault(Operation::Status, Fault::respond(503).html("nginx"));
    let error = endpoint.wait(&job).timeout(Duration::from_secs(1)).await.expect_err("out of time");
    assert!(error.is_timeout() && error.attempts().is_empty(), "{error:?}");
}

/// The time begins when a call is awaited, however long ago it was made.
#[tokio::test]
async fn a_call_that_waited_to_be_begun_has_all_its_time() {
    let emulator = Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator");
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let input = json!({ "image_url": "https://example.com/a.png" });
    let minute = Duration::from_secs(60);
    let job = endpoint.submit(input.clone()).await.expect("a job");
    let subscribe = endpoint.subscribe(input.clone()).timeout(minute).into_future();
    let mut updates = endpoint.subscribe(input.clone()).timeout(minute).updates();
    let wait = endpoint.wait(&job).timeout(minute).into_future();
    let (run, submit) = (
        endpoint.run(input.clone()).timeout(minute).into_future(),
        endpoint.submit(input).timeout(minute).into_future(),
    );
    tokio::time::pause();
    tokio::time::advance(10 * minute).await;
    tokio::time::resume();
    subscribe.await.expect("a result");
    while let Some(progress) = updates.next().await {
        progress.expect("no error");
    }
    wait.await.expect("a result");
    run.await.expect("an answer");
    submit.await.expect("a job");
}

/// What the service says of a request that did not start in time comes to the caller as it is, at once.
#[tokio::test]
async fn a_request_that_did_not_start_in_time_is_an_error_of_its_own() {
    let emulator = Emulator::builder().pace(Pace::manual()).start().await.expect("an emulator");
    let endpoint = client_of(&emulator).endpoint(ENDPOINT);
    let minute = Duration::from_secs(60);
    let input = json!({ "image_url": "https://example.com/a.png" });
    let mut updates = endpoint.subscribe(input).start_timeout(minute).updates();
    updates.next().await.expect("a job").expect("no error");
    emulator.advance_time(minute);
    let last = updates.collect::<Vec<_>>().await.pop().expect("an end");
    let error = last.expect_err("too late");
    assert!(error.is_start_timeout() && error.is_timeout() && !error.is_retryable(), "{error:?}");
    assert_eq!(error.error_type(), Some(&ErrorType::RequestTimeout));
    assert_eq!((error.status().map(|status| status.as_u16()), error.attempts().len()), (Some(504), 1));
    assert_eq!(error.request_id(), Some(emulator.jobs()[0].request_id()));
}

/// A host that takes no connections, and does not refuse them either: its list of waiting ones is full. Time is the test's.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_connection_comes_about_within_five_seconds_or_not_at_all() {
    use tokio::net::{TcpSocket, TcpStream};

    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    tokio::task::yield_now().await;

    let base = format!("http://{address}");
    let client = Client::builder()
        .key("id:secret")
        .run_host(&base)
        .queue_host(&base)
        .retry(RetryPolicy::none())
        .build()
        .expect("a client");
    let before = tokio::time::Instant::now();
    let error = client.endpoint("a/b").run(json!({})).await.expect_err("no connection");
    assert_eq!(error.kind(), ErrorKind::Connect, "{error:?}");
    assert_eq!(before.elapsed().as_secs(), 5);
    drop(waiting);
}
