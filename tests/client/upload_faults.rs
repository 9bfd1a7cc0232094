//! Faults of every request of an upload. Either a retry succeeds and the file is complete, or the upload fails with the
//! cause and nothing is stored.

use std::time::Duration;

use fal_client::{Client, ErrorKind, FileInput, Repository, RetryPolicy};
use futures_util::StreamExt;

use crate::support::bytes::some_bytes;
use crate::support::server::Reply;
use crate::support::storage::{Fault, Storage, hash};

/// Each kind of upload: repository, length of the file, requests.
const ROUTES: [(Repository, usize, &[&str]); 6] = [
    (Repository::Cdn, 700, &["token", "upload"]),
    (Repository::Cdn, 1100, &["token", "create", "part 1", "part 2", "part 3", "complete"]),
    (Repository::Signed, 700, &["initiate", "put"]),
    (Repository::Signed, 1100, &["initiate", "part 1", "part 2", "part 3", "complete"]),
    (Repository::Gcs, 700, &["initiate", "put"]),
    (Repository::Gcs, 1100, &["initiate", "sign 1", "part 1", "sign 2", "part 2", "sign 3", "part 3", "complete"]),
];

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
    let reply = |status: u16| Reply::json(status, r#"{"detail":"scripted"}"#);
    let instead = |status: u16| Fault::Instead(reply(status));
    vec![
        ("500", instead(500), Retried),
        ("502", instead(502), Retried),
        ("503", instead(503), Retried),
        ("504", instead(504), Retried),
        ("408", instead(408), Retried),
        ("429 with Retry-After", Fault::Instead(reply(429).header("retry-after", "0")), Retried),
        ("500 after it took effect", Fault::After(reply(500)), Retried),
        ("closed before it took effect", Fault::Instead(Reply::dropped()), Retried),
        ("closed after it took effect", Fault::After(Reply::dropped()), Retried),
        ("closed within the response", Fault::Torn, Retried),
        ("silent within the response", Fault::Stalled, RetriedAfterTimeout),
        ("no response", Fault::Instead(Reply::never()), RetriedAfterTimeout),
        ("a slow response", Fault::Slow, Passes),
        ("an expired token", instead(401), Renewed(401)),
        ("a token without permission", instead(403), Renewed(403)),
        ("400", instead(400), Fails(400)),
        ("404", instead(404), Fails(404)),
        ("413", instead(413), Fails(413)),
        ("a redirect", Fault::Instead(reply(307).header("location", "https://evil.example/")), Fails(307)),
    ]
}

/// Builds a client that retries at once, with short timeouts if the outcome needs one.
fn client(storage: &Storage, outcome: Outcome) -> Client {
    // With the low maximum, a thousand attempts take seconds at most.
    let retry = RetryPolicy::default().first_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(10));
    let builder = match outcome {
        RetriedAfterTimeout => {
            let silence = Duration::from_millis(500);
            storage.builder().answer_timeout(silence).idle_timeout(silence).retry(retry.max_attempts(1000))
        }
        _ => storage.builder().retry(retry),
    };
    builder.build().expect("a client")
}

async fn check(route: (Repository, usize, &[&str]), label: &str, name: &str, fault: Fault, outcome: Outcome) {
    let (repository, length, labels) = route;
    let case = format!("{name} at {label} of {repository:?} with {length} bytes");
    let storage = Storage::start().await;
    storage.fault(label, fault);
    let bytes = some_bytes(length);
    let upload = client(&storage, outcome).storage().upload(FileInput::bytes(bytes.clone(), "image/png"));
    let done = upload.repository(repository).await;

    let with_token = repository == Repository::Cdn && label != "token";
    let mut expected: Vec<&str> = labels.to_vec();
    let status = match outcome {
        Passes => None,
        Retried | RetriedAfterTimeout => {
            expected.push(label);
            None
        }
        Renewed(_) if with_token => {
            expected.extend([label, "token"]);
            None
        }
        Renewed(status) | Fails(status) => Some(status),
    };
    match (done, status) {
        (Ok(file), None) => {
            let kept = storage.file(&file.url).expect("a file");
            assert_eq!((hash(&kept.bytes), kept.bytes.len()), (hash(&bytes), length), "{case}");
            // Only that request was retried.
            let mut seen = storage.labels();
            if matches!(outcome, RetriedAfterTimeout) {
                let seen_of = |label: &&str| seen.iter().filter(|seen| seen == label).count();
                let expected_of = |label: &&str| expected.iter().filter(|expected| *expected == label).count();
                assert!(labels.iter().all(|label| seen_of(label) >= expected_of(label)), "{case}: {seen:?}");
            } else {
                seen.sort();
                expected.sort_unstable();
                assert_eq!(seen, expected, "{case}");
            }
        }
        (Err(error), Some(status)) => {
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{case}: {error}");
            let kind = if status == 307 { ErrorKind::UnexpectedResponse } else { ErrorKind::Service };
            assert_eq!(error.kind(), kind, "{case}: {error}");
            let cause = if status == 307 { "https://evil.example/" } else { "scripted" };
            assert!(error.to_string().contains(cause), "{case}: {error}");
            assert_eq!(storage.files(), 0, "{case}");
            assert_eq!(storage.labels().iter().filter(|seen| *seen == label).count(), 1, "{case}");
        }
        (done, _) => panic!("{case}: {done:?}"),
    }
}

#[tokio::test]
async fn every_fault_has_its_outcome_for_every_request() {
    let mut checks = Vec::new();
    for route in ROUTES {
        for label in route.2 {
            for (name, fault, outcome) in table() {
                checks.push(check(route, label, name, fault, outcome));
            }
        }
    }
    // In parallel, because some wait for a timeout. The limit keeps the others from timing out.
    futures_util::stream::iter(checks).buffer_unordered(100).collect::<()>().await;
}

#[tokio::test]
async fn retry_after_overrides_the_backoff() {
    for (repository, length, labels) in ROUTES {
        for label in labels {
            let storage = Storage::start().await;
            storage.fault(*label, Fault::Instead(Reply::json(429, "{}").header("retry-after", "0")));
            // A client that ignored it would wait for an hour.
            let retry =
                RetryPolicy::default().first_delay(Duration::from_secs(3600)).max_delay(Duration::from_secs(3600));
            let client = storage.builder().retry(retry).build().expect("a client");
            let upload = client.storage().upload(FileInput::bytes(some_bytes(length), "a/b")).repository(repository);
            upload.await.expect("uploaded");
        }
    }
}

#[tokio::test]
async fn attempts_stay_within_the_retry_policy() {
    for (repository, length, labels) in ROUTES {
        for (attempts, policy) in [(3, RetryPolicy::default().max_attempts(3)), (1, RetryPolicy::none())] {
            let label = labels[labels.len() - 1];
            let storage = Storage::start().await;
            for _ in 0..10 {
                storage.fault(label, Fault::Instead(Reply::json(503, r#"{"detail":"busy"}"#)));
            }
            let client = storage.builder().retry(policy.first_delay(Duration::ZERO)).build().expect("a client");
            let upload = client.storage().upload(FileInput::bytes(some_bytes(length), "a/b")).repository(repository);
            let error = upload.await.expect_err("busy");
            assert_eq!(storage.labels().iter().filter(|seen| *seen == label).count(), attempts);
            assert_eq!((error.attempts().len(), storage.files()), (attempts, 0));
            assert!(error.is_retryable() && error.to_string().contains("busy"), "{error}");
        }
    }
}

#[tokio::test]
async fn an_early_rejection_is_reported_before_the_file_is_sent() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    // More than the buffers of a connection hold. The host does not read it.
    const LENGTH: usize = 64 << 20;
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
    let storage = Storage::start().await;
    let initiated = format!(r#"{{"upload_url":"http://{address}/x","file_url":"http://x.y/z"}}"#);
    storage.fault("initiate", Fault::After(Reply::json(200, &initiated)));
    let client = storage.builder().uploads(Storage::policy().multipart_above(u64::MAX)).build().expect("a client");
    let file = FileInput::bytes(vec![0; LENGTH], "a/b");
    let error = client.storage().upload(file).repository(Repository::Signed).await.expect_err("refused");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(413), "{error:?}");
    assert!(error.to_string().contains("far too big"), "{error}");
    host.abort();
}

#[tokio::test]
async fn an_upload_times_out_when_the_host_stops_reading() {
    use tokio::io::AsyncReadExt;

    // The host reads only the beginning of each request.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let host = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.read(&mut [0; 100]).await);
            open.push(stream);
        }
    });
    let storage = Storage::start().await;
    let initiated = format!(r#"{{"upload_url":"http://{address}/x","file_url":"http://x.y/z"}}"#);
    storage.fault("initiate", Fault::After(Reply::json(200, &initiated)));
    let policy = Storage::policy().multipart_above(u64::MAX);
    let client = storage.builder().uploads(policy).idle_timeout(Duration::from_millis(100));
    let client = client.retry(RetryPolicy::default().max_attempts(2)).build().expect("a client");
    // More than the buffers of a connection hold.
    let file = FileInput::bytes(vec![0; 64 << 20], "a/b");
    let error = client.storage().upload(file).repository(Repository::Signed).await.expect_err("timed out");
    assert!(error.is_timeout() && error.attempts().len() == 2, "{error:?}");
    host.abort();
}
