//! Faults of every request of an upload. Either a retry succeeds and the file is complete, or the upload fails with the
//! cause and nothing is stored.

use std::time::Duration;

use fal_client::{Client, ClientBuilder, ErrorKind, FileInput, Repository, RetryPolicy, UploadPolicy};
use fal_emulator::{Emulator, Fault, Operation, ReceivedRequest};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::bytes::some_bytes;
use crate::support::emulator::{mistakes, start_instant, stored_file};
use crate::support::queue::skip;
use crate::support::time::{LIMIT, settle};

const HOUR: Duration = Duration::from_secs(3600);

/// A request of an upload. Requests about a part have its number.
type Step = (Operation, Option<u32>);

const TOKEN: Step = (Operation::CdnToken, None);
const UPLOAD: Step = (Operation::Upload, None);
const START: Step = (Operation::StartMultipart, None);
const INITIATE: Step = (Operation::InitiateUpload, None);
const INITIATE_PARTS: Step = (Operation::InitiateMultipart, None);
const PUT: Step = (Operation::PutFile, None);
const COMPLETE: Step = (Operation::CompleteMultipart, None);

const fn sign(part: u32) -> Step {
    (Operation::SignPart, Some(part))
}

const fn part(part: u32) -> Step {
    (Operation::PutPart, Some(part))
}

/// One kind of upload.
#[derive(Clone, Copy, Debug)]
struct Route {
    repository: Repository,
    length: usize,
    steps: &'static [Step],
}

const ROUTES: [Route; 6] = [
    Route { repository: Repository::Cdn, length: 700, steps: &[TOKEN, UPLOAD] },
    Route { repository: Repository::Cdn, length: 1100, steps: &[TOKEN, START, part(1), part(2), part(3), COMPLETE] },
    Route { repository: Repository::Signed, length: 700, steps: &[INITIATE, PUT] },
    Route {
        repository: Repository::Signed,
        length: 1100,
        steps: &[INITIATE_PARTS, part(1), part(2), part(3), COMPLETE],
    },
    Route { repository: Repository::Gcs, length: 700, steps: &[INITIATE, PUT] },
    Route {
        repository: Repository::Gcs,
        length: 1100,
        steps: &[INITIATE_PARTS, sign(1), part(1), sign(2), part(2), sign(3), part(3), COMPLETE],
    },
];

/// Returns the step of a request.
fn step(request: &ReceivedRequest) -> Step {
    let is_of_part = matches!(request.operation(), Operation::SignPart | Operation::PutPart);
    let number = request.path().rsplit('/').next().and_then(|number| number.parse().ok());
    (request.operation(), number.filter(|_| is_of_part))
}

/// Returns the steps of all received requests, sorted.
fn steps(emulator: &Emulator) -> Vec<String> {
    let mut steps: Vec<String> = emulator.requests().iter().map(|request| format!("{:?}", step(request))).collect();
    steps.sort();
    steps
}

fn count(emulator: &Emulator, wanted: Step) -> usize {
    emulator.requests().iter().filter(|request| step(request) == wanted).count()
}

/// Adds a fault for the next request of a step.
fn add_fault(emulator: &Emulator, of: Step, fault: Fault) {
    emulator.inject_fault(of.0, fault.when(move |request| step(request) == of));
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// The upload succeeds without a retry.
    Passes,
    /// The request is retried once, and the upload succeeds.
    Retried,
    /// The request is retried after a timeout, and the upload succeeds. On a busy machine, other requests may time out as
    /// well.
    RetriedAfterTimeout,
    /// The upload fails with this status.
    Fails(u16),
    /// The token is replaced, the request is retried, and the upload succeeds. Requests without a token fail with this
    /// status.
    Renewed(u16),
}

use Outcome::{Fails, Passes, Renewed, Retried, RetriedAfterTimeout};

fn table() -> Vec<(&'static str, Fault, Outcome)> {
    let reply = |status: u16| Fault::respond(status).json(&json!({ "detail": "scripted" }));
    vec![
        ("500", reply(500), Retried),
        ("502", reply(502), Retried),
        ("503", reply(503), Retried),
        ("504", reply(504), Retried),
        ("408", reply(408), Retried),
        ("429 with Retry-After", reply(429).retry_after(Duration::ZERO), Retried),
        ("502 from a gateway", Fault::nginx(502), Retried),
        ("500 after it took effect", reply(500).after_effect(), Retried),
        ("503 from a gateway after it took effect", Fault::nginx(503).after_effect(), Retried),
        ("closed within the request", Fault::drop_request_after(200), Retried),
        ("closed before it took effect", Fault::drop_connection(), Retried),
        ("closed after it took effect", Fault::drop_connection().after_effect(), Retried),
        ("closed within the head", Fault::drop_response_in_head(), Retried),
        ("closed within the response", Fault::drop_response_after_bytes(1), Retried),
        ("silent within the response", Fault::stall_response_after(1), RetriedAfterTimeout),
        ("request not read to the end", Fault::stall_request_after(200), RetriedAfterTimeout),
        ("no response", Fault::none().delay(HOUR), RetriedAfterTimeout),
        ("a slow response", Fault::throttle(1, Duration::ZERO), Passes),
        ("an expired token", reply(401), Renewed(401)),
        ("a token without permission", reply(403), Renewed(403)),
        ("400", reply(400), Fails(400)),
        ("404", reply(404), Fails(404)),
        ("413", reply(413), Fails(413)),
        ("a redirect", reply(307).header("location", "https://evil.example/"), Fails(307)),
    ]
}

/// Small parts and no fallback.
fn policy() -> UploadPolicy {
    UploadPolicy::default().multipart_above(1000).part_size(400).fallback(None)
}

/// Returns a builder of clients that upload small parts.
fn builder(emulator: &Emulator) -> ClientBuilder {
    emulator.client_builder().uploads(policy())
}

/// Builds a client that retries immediately, with short timeouts if the outcome needs one.
fn client(emulator: &Emulator, outcome: Outcome) -> Client {
    // With the low maximum, a thousand attempts take seconds at most.
    let retry = RetryPolicy::default().first_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(10));
    let builder = match outcome {
        RetriedAfterTimeout => {
            let silence = Duration::from_millis(500);
            builder(emulator).response_timeout(silence).idle_timeout(silence).retry(retry.max_attempts(1000))
        }
        _ => builder(emulator).retry(retry),
    };
    builder.build().expect("a client")
}

async fn check(route: Route, faulty: Step, name: &str, fault: Fault, outcome: Outcome) {
    let case = format!("{name} at {faulty:?} of {route:?}");
    let emulator = start_instant().await;
    add_fault(&emulator, faulty, fault);
    let bytes = some_bytes(route.length);
    let upload = client(&emulator, outcome).storage().upload(FileInput::bytes(bytes.clone(), "image/png"));
    let done = upload.repository(route.repository).await;

    let with_token = route.repository == Repository::Cdn && faulty != TOKEN;
    let mut expected = route.steps.to_vec();
    let status = match outcome {
        Passes => None,
        Retried | RetriedAfterTimeout => {
            expected.push(faulty);
            None
        }
        Renewed(_) if with_token => {
            expected.extend([faulty, TOKEN]);
            None
        }
        Renewed(status) | Fails(status) => Some(status),
    };
    match (done, status) {
        (Ok(file), None) => {
            let stored = stored_file(&emulator, &file.url).bytes().expect("bytes");
            assert!(stored == bytes, "{case}: {} bytes", stored.len());
            // Only that request was retried.
            if matches!(outcome, RetriedAfterTimeout) {
                let of = |step: Step| expected.iter().filter(|expected| **expected == step).count();
                let complete = route.steps.iter().all(|step| count(&emulator, *step) >= of(*step));
                assert!(complete, "{case}: {:?}", steps(&emulator));
            } else {
                let mut expected: Vec<String> = expected.iter().map(|step| format!("{step:?}")).collect();
                expected.sort();
                assert_eq!(steps(&emulator), expected, "{case}");
            }
        }
        (Err(error), Some(status)) => {
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{case}: {error}");
            let kind = if status == 307 { ErrorKind::UnexpectedResponse } else { ErrorKind::Service };
            assert_eq!(error.kind(), kind, "{case}: {error}");
            let cause = if status == 307 { "https://evil.example/" } else { "scripted" };
            assert!(error.to_string().contains(cause), "{case}: {error}");
            assert!(emulator.files().is_empty(), "{case}");
            assert_eq!(count(&emulator, faulty), 1, "{case}");
        }
        (done, _) => panic!("{case}: {done:?}"),
    }
    assert_eq!(emulator.pending_faults(), 0, "{case}");
    assert_eq!(mistakes(&emulator), Vec::<String>::new(), "{case}");
}

#[tokio::test]
async fn every_fault_has_its_outcome_for_every_request() {
    let mut checks = Vec::new();
    for route in ROUTES {
        for step in route.steps {
            // Only files and parts are long enough to break off within the request.
            let has_file = matches!(step.0, Operation::Upload | Operation::PutFile | Operation::PutPart);
            for (name, fault, outcome) in table() {
                if has_file || !matches!(name, "closed within the request" | "request not read to the end") {
                    checks.push(check(route, *step, name, fault, outcome));
                }
            }
        }
    }
    // In parallel, because some wait for a timeout. The limit keeps the others from timing out.
    futures_util::stream::iter(checks).buffer_unordered(100).collect::<()>().await;
}

#[tokio::test]
async fn retry_after_overrides_the_backoff() {
    for route in ROUTES {
        for step in route.steps {
            let emulator = start_instant().await;
            add_fault(&emulator, *step, Fault::respond(429).retry_after(Duration::ZERO));
            // A client that ignored it would wait for an hour.
            let retry = RetryPolicy::default().first_delay(HOUR).max_delay(HOUR);
            let client = builder(&emulator).retry(retry).build().expect("a client");
            let file = FileInput::bytes(some_bytes(route.length), "a/b");
            client.storage().upload(file).repository(route.repository).await.expect("uploaded");
            assert_eq!(emulator.pending_faults(), 0);
        }
    }
}

#[tokio::test]
async fn attempts_stay_within_the_retry_policy() {
    for route in ROUTES {
        for (attempts, policy) in [(3, RetryPolicy::default().max_attempts(3)), (1, RetryPolicy::none())] {
            let last = route.steps[route.steps.len() - 1];
            let emulator = start_instant().await;
            for _ in 0..10 {
                add_fault(&emulator, last, Fault::respond(503).json(&json!({ "detail": "busy" })));
            }
            let client = builder(&emulator).retry(policy.first_delay(Duration::ZERO)).build().expect("a client");
            let file = FileInput::bytes(some_bytes(route.length), "a/b");
            let error = client.storage().upload(file).repository(route.repository).await.expect_err("busy");
            assert_eq!(count(&emulator, last), attempts);
            assert_eq!((error.attempts().len(), emulator.files().len()), (attempts, 0));
            assert!(error.is_retryable() && error.to_string().contains("busy"), "{error}");
        }
    }
}

/// More than the buffers of a connection hold.
const LARGE: usize = 64 << 20;

#[tokio::test]
async fn an_early_rejection_is_reported_before_the_file_is_sent() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    // A host that does not read the file. The emulator would.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let host = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.read(&mut [0; 1000]).await);
            let response = "HTTP/1.1 413 Scripted\r\ncontent-length: 23\r\n\r\n{\"detail\":\"far too big\"}";
            drop(stream.write_all(response.as_bytes()).await);
            open.push(stream);
        }
    });
    let emulator = start_instant().await;
    let urls = json!({ "upload_url": format!("http://{address}/x"), "file_url": "http://x.y/z" });
    add_fault(&emulator, INITIATE, Fault::respond(200).json(&urls));
    let client = builder(&emulator).uploads(policy().multipart_above(u64::MAX)).build().expect("a client");
    let file = FileInput::bytes(vec![0; LARGE], "a/b");
    let error = client.storage().upload(file).repository(Repository::Signed).await.expect_err("rejected");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(413), "{error:?}");
    assert!(error.to_string().contains("far too big"), "{error}");
    host.abort();
}

#[tokio::test]
async fn an_upload_times_out_when_the_host_stops_reading() {
    let emulator = start_instant().await;
    for _ in 0..2 {
        add_fault(&emulator, PUT, Fault::stall_request_after(100));
    }
    let client = builder(&emulator)
        .uploads(policy().multipart_above(u64::MAX))
        .idle_timeout(LIMIT)
        .retry(RetryPolicy::default().max_attempts(2))
        .build()
        .expect("a client");
    let file = FileInput::bytes(vec![0; LARGE], "a/b");
    let call = client.storage().upload(file).repository(Repository::Signed);
    let silence = async {
        while count(&emulator, PUT) == 0 {
            tokio::task::yield_now().await;
        }
        loop {
            settle().await;
            skip(LIMIT).await;
        }
    };
    let error = tokio::select! {
        outcome = call.send() => outcome.expect_err("timed out"),
        () = silence => unreachable!("it never ends"),
    };
    assert!(error.is_timeout() && error.attempts().len() == 2, "{error:?}");
}
