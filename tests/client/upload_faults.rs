//! Whatever goes wrong with a request of an upload: the request is sent again and the file arrives whole, or there is an
//! error that says what it was, and nothing is stored.

use std::time::Duration;

use fal_client::{Client, ErrorKind, FileInput, Repository, RetryPolicy};
use futures_util::StreamExt;

use crate::support::bytes::some_bytes;
use crate::support::server::Reply;
use crate::support::storage::{Fault, Storage, hash};

/// A way that a file can take: where to, its length, and its requests.
const WAYS: [(Repository, usize, &[&str]); 6] = [
    (Repository::Cdn, 700, &["token", "upload"]),
    (Repository::Cdn, 1100, &["token", "create", "part 1", "part 2", "part 3", "complete"]),
    (Repository::Signed, 700, &["initiate", "put"]),
    (Repository::Signed, 1100, &["initiate", "part 1", "part 2", "part 3", "complete"]),
    (Repository::Gcs, 700, &["initiate", "put"]),
    (Repository::Gcs, 1100, &["initiate", "sign 1", "part 1", "sign 2", "part 2", "sign 3", "part 3", "complete"]),
];

#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// Nothing was sent twice, and the file is whole.
    Passes,
    /// The request was sent once more, and the file is whole.
    Repeated,
    /// The same, after a while in which nothing came. On a busy machine that may happen to the other requests too.
    Outlasted,
    /// There is an error of this status.
    Fails(u16),
    /// The token was fetched once more and the request sent once more, where there is a token; else there is an error of
    /// this status.
    Renewed(u16),
}

use Outcome::{Fails, Outlasted, Passes, Renewed, Repeated};

fn table() -> Vec<(&'static str, Fault, Outcome)> {
    let answer = |status: u16| Reply::json(status, r#"{"detail":"as ordered"}"#);
    let refused = |status: u16| Fault::Instead(answer(status));
    vec![
        ("500", refused(500), Repeated),
        ("502", refused(502), Repeated),
        ("503", refused(503), Repeated),
        ("504", refused(504), Repeated),
        ("408", refused(408), Repeated),
        ("429 with Retry-After", Fault::Instead(answer(429).header("retry-after", "0")), Repeated),
        ("500 after it took effect", Fault::After(answer(500)), Repeated),
        ("closed before it took effect", Fault::Instead(Reply::dropped()), Repeated),
        ("closed after it took effect", Fault::After(Reply::dropped()), Repeated),
        ("closed within the answer", Fault::Torn, Repeated),
        ("silence within the answer", Fault::Stalled, Outlasted),
        ("no answer", Fault::Instead(Reply::never()), Outlasted),
        ("a slow answer", Fault::Slow, Passes),
        ("an expired token", refused(401), Renewed(401)),
        ("a token without the right", refused(403), Renewed(403)),
        ("400", refused(400), Fails(400)),
        ("404", refused(404), Fails(404)),
        ("413", refused(413), Fails(413)),
        ("a redirect", Fault::Instead(answer(307).header("location", "https://evil.example/")), Fails(307)),
    ]
}

/// A client that does not wait long before it repeats; nor for an answer, where none is to come.
fn client(storage: &Storage, outcome: Outcome) -> Client {
    // Where Retry-After says 0 this is passed over; where it did not count, the test would not end.
    let retry = RetryPolicy::default().first_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(10));
    let builder = match outcome {
        Outlasted => {
            let silence = Duration::from_millis(500);
            storage.builder().answer_timeout(silence).idle_timeout(silence).retry(retry.max_attempts(1000))
        }
        _ => storage.builder().retry(retry),
    };
    builder.build().expect("a client")
}

async fn try_out(way: (Repository, usize, &[&str]), label: &str, what: &str, fault: Fault, outcome: Outcome) {
    let (repository, length, labels) = way;
    let shown = format!("{what} at {label} of {repository:?} with {length} bytes");
    let storage = Storage::start().await;
    storage.fault(label, fault);
    let bytes = some_bytes(length);
    let upload = client(&storage, outcome).storage().upload(FileInput::bytes(bytes.clone(), "image/png"));
    let done = upload.repository(repository).await;

    let with_token = repository == Repository::Cdn && label != "token";
    let mut expected: Vec<&str> = labels.to_vec();
    let status = match outcome {
        Passes => None,
        Repeated | Outlasted => {
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
            assert_eq!((hash(&kept.bytes), kept.bytes.len()), (hash(&bytes), length), "{shown}");
            // That request again, and no other.
            let mut seen = storage.labels();
            if matches!(outcome, Outlasted) {
                let seen_of = |label: &&str| seen.iter().filter(|seen| seen == label).count();
                let expected_of = |label: &&str| expected.iter().filter(|expected| *expected == label).count();
                assert!(labels.iter().all(|label| seen_of(label) >= expected_of(label)), "{shown}: {seen:?}");
            } else {
                seen.sort();
                expected.sort_unstable();
                assert_eq!(seen, expected, "{shown}");
            }
        }
        (Err(error), Some(status)) => {
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{shown}: {error}");
            let kind = if status == 307 { ErrorKind::UnexpectedResponse } else { ErrorKind::Service };
            assert_eq!(error.kind(), kind, "{shown}: {error}");
            let said = if status == 307 { "https://evil.example/" } else { "as ordered" };
            assert!(error.to_string().contains(said), "{shown}: {error}");
            assert_eq!(storage.files(), 0, "{shown}");
            assert_eq!(storage.labels().iter().filter(|seen| *seen == label).count(), 1, "{shown}");
        }
        (done, _) => panic!("{shown}: {done:?}"),
    }
}

#[tokio::test]
async fn the_table_of_faults_holds() {
    let mut tries = Vec::new();
    for way in WAYS {
        for label in way.2 {
            for (what, fault, outcome) in table() {
                tries.push(try_out(way, label, what, fault, outcome));
            }
        }
    }
    // Those that wait for silence do so side by side; but not so many that the others have to wait for their turns.
    futures_util::stream::iter(tries).buffer_unordered(100).collect::<()>().await;
}

#[tokio::test]
async fn retry_after_is_heeded() {
    for (repository, length, labels) in WAYS {
        for label in labels {
            let storage = Storage::start().await;
            storage.fault(*label, Fault::Instead(Reply::json(429, "{}").header("retry-after", "0")));
            // A client that did not heed it would wait for an hour.
            let retry =
                RetryPolicy::default().first_delay(Duration::from_secs(3600)).max_delay(Duration::from_secs(3600));
            let client = storage.builder().retry(retry).build().expect("a client");
            let upload = client.storage().upload(FileInput::bytes(some_bytes(length), "a/b")).repository(repository);
            upload.await.expect("uploaded");
        }
    }
}

#[tokio::test]
async fn nothing_is_repeated_for_ever_or_against_the_policy() {
    for (repository, length, labels) in WAYS {
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
async fn a_host_that_refuses_before_it_has_the_file_is_heard() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    // More than the buffers of a connection hold, and nobody reads it.
    const LENGTH: usize = 64 << 20;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let host = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.read(&mut [0; 1000]).await);
            let answer = "HTTP/1.1 413 Scripted\r\ncontent-length: 23\r\n\r\n{\"detail\":\"far too big\"}";
            drop(stream.write_all(answer.as_bytes()).await);
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
async fn a_connection_that_takes_nothing_more_is_given_up() {
    use tokio::io::AsyncReadExt;

    // A host that reads the beginning of each request, and then no more.
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
    let error = client.storage().upload(file).repository(Repository::Signed).await.expect_err("silence");
    assert!(error.is_timeout() && error.attempts().len() == 2, "{error:?}");
    host.abort();
}
