//! The key is in the `Authorization` header only, and not in errors, `Debug` output or traces.

use std::fmt::Write;

use fal_client::{FileInput, Repository};
use futures_util::StreamExt;
use serde_json::json;

use crate::support::bytes::some_bytes;
use crate::support::recorder::Recorder;
use crate::support::server::{KEY, Reply, Server};
use crate::support::storage::{Fault, Storage};

/// Runs on one thread, because the recorder records only its own.
#[tokio::test(flavor = "current_thread")]
async fn traces_and_errors_have_neither_key_nor_input() {
    let recorder = Recorder::start();
    let server = Server::start(|index, seen| match (index, seen.method.as_str()) {
        (0, _) => Reply::json(429, r#"{"detail":"slow down"}"#),
        (_, "POST") => Reply::json(200, r#"{"request_id":"R1"}"#),
        (_, "PUT") => Reply::json(500, "{}"),
        _ if seen.target.contains("stream") => Reply::events(&[r#"{"status":"COMPLETED"}"#]),
        _ => Reply::json(422, r#"{"detail":"no"}"#),
    })
    .await;
    let client = server.client();
    let endpoint = client.endpoint("a/b");
    let subscribe = endpoint.subscribe(json!({ "prompt": "a private matter" }));
    let mut shown = format!("{client:?} {endpoint:?} {subscribe:?}");
    let error = subscribe.await.expect_err("422");
    let _ = write!(shown, "{error} {error:?} {:?}", std::error::Error::source(&error));
    let mut statuses = endpoint.status_stream("R1");
    while statuses.next().await.is_some() {}
    let error = endpoint.cancel("R1").await.expect_err("500");
    let _ = write!(shown, "{error} {error:#?}");
    let error =
        endpoint.run(json!({ "prompt": "a private matter" })).header("authorization", KEY).await.expect_err("x");
    let _ = write!(shown, "{error} {error:?}");
    let emitted = recorder.stop();
    for word in
        ["fal.subscribe", "fal.status_stream", "fal.cancel", "attempt failed", "queue update", "request_id = \"R1\""]
    {
        assert!(emitted.contains(word), "missing {word} in:\n{emitted}");
    }
    for text in [&emitted, &shown] {
        for secret in ["secret-of-key", "id-of-key", "private matter"] {
            assert!(!text.contains(secret), "leaked {secret} in:\n{text}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn traces_and_errors_have_neither_upload_tokens_nor_signatures() {
    let recorder = Recorder::start();
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    // "a private matter" in base64.
    let private = "data:text/plain;base64,YSBwcml2YXRlIG1hdHRlcg==";
    let (file, bytes) = (FileInput::url(private), FileInput::bytes("a private matter", "a/b"));
    let mut shown = format!("{:?} {file:?} {bytes:?}", client.storage().upload(file.clone()));
    let _ = write!(shown, "{:?} {:?}", client.download_bytes(private), client.download(private, "a"));
    for (repository, length, label) in [
        (Repository::Cdn, 10, "upload"),
        (Repository::Cdn, 2000, "part 1"),
        (Repository::Signed, 10, "put"),
        (Repository::Signed, 2000, "part 2"),
        (Repository::Gcs, 2000, "part 3"),
    ] {
        for reply in [Reply::dropped(), Reply::json(503, "{}"), Reply::json(401, "{}"), Reply::json(400, "{}")] {
            storage.inject_fault(label, Fault::Instead(reply));
            let file = FileInput::bytes(some_bytes(length), "a/b").name("a private matter");
            let upload = client.storage().upload(file).repository(repository);
            match upload.await {
                Ok(file) => drop(write!(shown, "{:?}", file.content_type)),
                Err(error) => drop(write!(shown, "{error} {error:?} {:?}", std::error::Error::source(&error))),
            }
        }
    }
    let emitted = recorder.stop();
    for word in ["fal.upload", "attempt failed", "upload token was rejected"] {
        assert!(emitted.contains(word), "missing {word} in:\n{emitted}");
    }
    for text in [&emitted, &shown] {
        for secret in ["secret-of-key", "token-", "signature-1", "private matter", "YSBwcml2YXRl"] {
            assert!(!text.contains(secret), "leaked {secret} in:\n{text}");
        }
    }
}
