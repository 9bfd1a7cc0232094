//! Time limits of calls, including retries and backoff, and of connections.

use std::time::Duration;

use fal_client::{Cancellation, Client, Error, ErrorKind, ErrorType, RetryPolicy};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::emulator::{count, counted, start, start_instant};
use crate::support::time::{LIMIT, passing};

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

/// Builds a client with an hour of backoff.
fn client_of(emulator: &Emulator) -> Client {
    emulator
        .client_builder()
        .retry(RetryPolicy::default().first_delay(Duration::from_secs(3600)).max_delay(Duration::from_secs(3600)))
        .build()
        .expect("a client")
}

/// Returns the error of a call that times out after a minute in its backoff, and the id of its request.
async fn timed_out(operation: Operation) -> (Error, Option<String>) {
    let emulator = start(Pace::manual()).await;
    let endpoint = client_of(&emulator).endpoint(ENDPOINT);
    let input = json!({ "image_url": "https://example.com/a.png" });
    let busy = |operation| emulator.inject_fault(operation, Fault::respond(429).header("x-fal-needs-retry", "1"));
    let minute = Duration::from_secs(60);
    let job = match operation {
        Operation::Run | Operation::Submit => None,
        _ => Some(endpoint.submit(input.clone()).await.expect("a job").request_id),
    };
    let id = job.clone().unwrap_or_default();
    busy(operation);
    let received = counted(&emulator, operation, count(&emulator, operation) + 1);
    let done = match operation {
        Operation::Run => passing(minute, received, endpoint.run(input).timeout(minute)).await.map(drop),
        Operation::Submit => passing(minute, received, endpoint.submit(input).timeout(minute)).await.map(drop),
        Operation::Status => passing(minute, received, endpoint.status(&id).timeout(minute)).await.map(drop),
        Operation::Result => passing(minute, received, endpoint.result(&id).timeout(minute)).await.map(drop),
        Operation::Cancel => passing(minute, received, endpoint.cancel(&id).timeout(minute)).await.map(drop),
        _ => {
            // Without a stream, the client polls and finds the service busy.
            emulator.inject_fault(Operation::StatusStream, Fault::respond(404));
            emulator.inject_fault(Operation::Status, Fault::respond(503).html("nginx"));
            let call = endpoint.wait(&id).timeout(minute).cancel_on_timeout(true);
            passing(minute, received, call).await.map(drop)
        }
    };
    (done.expect_err("timed out"), job)
}

#[tokio::test]
async fn a_timeout_error_lists_the_attempts() {
    let operations = [
        Operation::Run,
        Operation::Submit,
        Operation::Status,
        Operation::Result,
        Operation::Cancel,
        Operation::StatusStream,
    ];
    for operation in operations {
        let (error, job) = timed_out(operation).await;
        assert!(error.is_timeout() && error.kind() == ErrorKind::Timeout, "{operation:?} {error:?}");
        assert!(error.to_string().contains("timed out after 60s"), "{operation:?} {error}");
        assert_eq!((error.endpoint(), error.request_id()), (Some(ENDPOINT), job.as_deref()), "{operation:?}");
        assert!(!error.attempts().is_empty(), "{operation:?} {error:?}");
        assert!(error.to_string().contains("last attempt: fal returned"), "{operation:?} {error}");
        let unsent = operation == Operation::Submit;
        assert_eq!(error.to_string().contains("it was not submitted"), unsent, "{operation:?} {error}");
        for attempt in error.attempts() {
            assert!(attempt.outcome.contains("fal returned"), "{operation:?} {attempt:?}");
        }
        let cancelled = (operation == Operation::StatusStream).then_some(&Cancellation::Removed);
        assert_eq!(error.cancellation(), cancelled, "{operation:?}");
    }
}

#[tokio::test]
async fn a_zero_timeout_sends_nothing() {
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
        assert!(error.expect_err("timed out").is_timeout());
    }
    assert!(emulator.requests().is_empty());
}

/// A timeout error lists only the attempts since the last success.
#[tokio::test]
async fn attempts_before_a_success_are_not_listed() {
    let emulator = start(Pace::manual()).await;
    let client = emulator
        .client_builder()
        .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
        .build()
        .expect("a client");
    let endpoint = client.endpoint(ENDPOINT);
    let job = endpoint.submit(json!({ "image_url": "https://example.com/a.png" })).await.expect("a job");
    emulator.inject_fault(Operation::StatusStream, Fault::respond(404));
    emulator.inject_fault(Operation::Status, Fault::respond(503).html("nginx"));
    let call = endpoint.wait(&job).timeout(LIMIT);
    let error = passing(LIMIT, counted(&emulator, Operation::Status, 2), call).await.expect_err("timed out");
    assert!(error.is_timeout() && error.attempts().is_empty(), "{error:?}");
}

/// The time limit starts when the call is awaited.
#[tokio::test]
async fn time_before_the_await_does_not_count() {
    let emulator = start_instant().await;
    let endpoint = emulator.client().endpoint(ENDPOINT);
    let input = json!({ "image_url": "https://example.com/a.png" });
    let minute = Duration::from_secs(60);
    let job = endpoint.submit(input.clone()).await.expect("a job");
    let subscribe = endpoint.subscribe(input.clone()).timeout(minute).send();
    let mut updates = endpoint.subscribe(input.clone()).timeout(minute).updates();
    let wait = endpoint.wait(&job).timeout(minute).send();
    let (run, submit) =
        (endpoint.run(input.clone()).timeout(minute).send(), endpoint.submit(input).timeout(minute).send());
    tokio::time::pause();
    tokio::time::advance(10 * minute).await;
    tokio::time::resume();
    subscribe.await.expect("a result");
    while let Some(progress) = updates.next().await {
        progress.expect("no error");
    }
    wait.await.expect("a result");
    run.await.expect("a response");
    submit.await.expect("a job");
}

#[tokio::test]
async fn a_missed_start_timeout_is_not_retried() {
    let emulator = start(Pace::manual()).await;
    let endpoint = client_of(&emulator).endpoint(ENDPOINT);
    let minute = Duration::from_secs(60);
    let input = json!({ "image_url": "https://example.com/a.png" });
    let mut updates = endpoint.subscribe(input).start_timeout(minute).updates();
    updates.next().await.expect("a job").expect("no error");
    emulator.advance_time(minute);
    let last = updates.collect::<Vec<_>>().await.pop().expect("a last update");
    let error = last.expect_err("too late");
    assert!(error.is_start_timeout() && error.is_timeout() && !error.is_retryable(), "{error:?}");
    assert_eq!(error.error_type(), Some(&ErrorType::RequestTimeout));
    assert_eq!((error.status().map(|status| status.as_u16()), error.attempts().len()), (Some(504), 1));
    assert_eq!(error.request_id(), Some(emulator.jobs()[0].request_id()));
}

/// The backlog of the listener is full, so that connections are neither accepted nor refused.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn connecting_times_out_after_five_seconds() {
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
