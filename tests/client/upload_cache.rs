//! The reuse of uploads within a client.

use std::time::Duration;

use fal_client::{Client, ErrorKind, ErrorType, FileInput, JsonInput, Lifecycle, RetryPolicy, UploadPolicy};
use fal_emulator::{Emulator, Fault, Operation};
use futures_util::future::join_all;
use serde_json::json;

use crate::support::bytes::some_bytes;
use crate::support::emulator::{count, start_instant};

const ENDPOINT: &str = "fal-ai/flux/dev/redux";

/// Larger than what is read into memory when a file is opened.
const LARGE: usize = 600_000;

async fn send(client: &Client, file: FileInput) -> Result<(), fal_client::Error> {
    let input = JsonInput::from(json!({})).file("image_url", file)?;
    client.endpoint(ENDPOINT).run(input).await.map(drop)
}

async fn send_all(client: &Client, files: impl IntoIterator<Item = FileInput>) {
    for file in files {
        send(client, file).await.expect("a response");
    }
}

/// Returns the URLs that the endpoint has received.
fn sent(emulator: &Emulator) -> Vec<String> {
    let requests = emulator.requests();
    let runs = requests.iter().filter(|request| request.operation() == Operation::Run);
    runs.map(|run| run.input()["image_url"].as_str().expect("a URL").to_owned()).collect()
}

#[tokio::test]
async fn same_file_is_uploaded_once_per_client() {
    for length in [100, LARGE] {
        let emulator = start_instant().await;
        let client = emulator.client();
        let folder = tempfile::tempdir().expect("a folder");
        let (bytes, path) = (some_bytes(length), folder.path().join("fox.png"));
        std::fs::write(&path, &bytes).expect("written");
        let file = || FileInput::bytes(bytes.clone(), "image/png").name("fox.png");
        send_all(&client, [file(), file(), FileInput::path(&path).content_type("image/png"), file()]).await;
        assert_eq!(emulator.files().len(), 1);
        let urls = sent(&emulator);
        assert!(urls.len() == 4 && urls.iter().all(|url| *url == urls[0]), "{urls:?}");

        // The name and the type belong to the upload.
        send_all(&client, [file().name("cat.png"), file().content_type("image/webp")]).await;
        assert_eq!(emulator.files().len(), 3);
        // A client knows only its own uploads. Its clones share them.
        send_all(&client.clone(), [file()]).await;
        assert_eq!(emulator.files().len(), 3);
        send_all(&emulator.client_builder().build().expect("a client"), [file()]).await;
        assert_eq!(emulator.files().len(), 4);
    }
}

#[tokio::test]
async fn changed_file_is_uploaded_again() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fox.png");
    for seed in [0, 1, 0] {
        let mut bytes = some_bytes(LARGE);
        bytes[LARGE / 2] ^= seed;
        std::fs::write(&path, bytes).expect("written");
        send_all(&client, [FileInput::path(&path), FileInput::path(&path)]).await;
    }
    assert_eq!(emulator.files().len(), 2);
    let urls = sent(&emulator);
    assert!(urls[0] == urls[4] && urls[2] == urls[3] && urls[1] != urls[2], "{urls:?}");
}

#[tokio::test]
async fn concurrent_calls_share_one_upload() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let file = FileInput::bytes(some_bytes(LARGE), "image/png");
    let done = join_all((0..8).map(|_| send(&client, file.clone()))).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!((emulator.files().len(), sent(&emulator).len()), (1, 8));
}

#[tokio::test]
async fn failure_is_shared_by_concurrent_calls_but_not_kept() {
    let emulator = start_instant().await;
    let policy = UploadPolicy::default().fallback(None);
    let client = emulator.client_builder().uploads(policy).retry(RetryPolicy::none()).build().expect("a client");
    let file = FileInput::bytes(some_bytes(100), "image/png");
    emulator.inject_fault(Operation::Upload, Fault::respond(400));
    let done = join_all((0..4).map(|_| send(&client, file.clone()))).await;
    for done in done {
        let error = done.expect_err("the upload fails");
        assert_eq!((error.kind(), error.status().map(|status| status.as_u16())), (ErrorKind::Service, Some(400)));
        assert!(error.to_string().contains("file of the field `image_url`"), "{error}");
    }
    assert_eq!(count(&emulator, Operation::Upload), 1);
    send_all(&client, [file.clone(), file]).await;
    assert_eq!(count(&emulator, Operation::Upload), 2);
}

#[tokio::test]
async fn dropped_upload_leaves_nothing_behind() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let file = FileInput::bytes(some_bytes(LARGE), "image/png");
    {
        let first = send(&client, file.clone());
        assert!(tokio::time::timeout(Duration::ZERO, first).await.is_err());
    }
    send_all(&client, [file.clone(), file]).await;
    assert_eq!(sent(&emulator).len(), 2);
}

#[tokio::test]
async fn uploads_are_reused_until_long_before_they_expire() {
    for (lifecycle, times) in [
        (Lifecycle::never_expires(), [(0, 1), (3500, 1), (200, 2)]),
        (Lifecycle::expires_after(Duration::from_secs(1200)), [(0, 1), (500, 1), (200, 2)]),
        (Lifecycle::expires_immediately(), [(0, 1), (0, 2), (0, 3)]),
    ] {
        let emulator = start_instant().await;
        let policy = UploadPolicy::default().lifecycle(lifecycle.clone());
        let client = emulator.client_builder().uploads(policy).build().expect("a client");
        for (seconds, files) in times {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(seconds)).await;
            tokio::time::resume();
            send_all(&client, [FileInput::bytes(some_bytes(100), "image/png")]).await;
            assert_eq!(count(&emulator, Operation::Upload), files, "{lifecycle:?} {seconds}");
        }
    }
}

#[tokio::test]
async fn explicit_uploads_readers_and_disabled_caches_upload_every_time() {
    let emulator = start_instant().await;
    let client = emulator.client();
    for _ in 0..2 {
        client.storage().upload(FileInput::bytes(some_bytes(100), "image/png")).await.expect("uploaded");
    }
    assert_eq!(emulator.files().len(), 2);

    let reader = || FileInput::reader(std::io::Cursor::new(some_bytes(100)), 100).content_type("image/png");
    send_all(&client, [reader(), reader()]).await;
    assert_eq!(emulator.files().len(), 4);

    let without = emulator.client_builder().upload_cache(false).build().expect("a client");
    let file = FileInput::bytes(some_bytes(100), "image/png");
    send_all(&without, [file.clone(), file]).await;
    assert_eq!(emulator.files().len(), 6);
}

/// A caller may keep the future of another call without polling it.
#[tokio::test]
async fn an_upload_that_does_not_proceed_is_not_waited_for_forever() {
    for has_token in [true, false] {
        let emulator = start_instant().await;
        let client = emulator.client();
        let file = |length| FileInput::bytes(some_bytes(length), "image/png");
        if has_token {
            send(&client, file(50)).await.expect("a response");
        }
        let mut first = std::pin::pin!(send(&client, file(100)));
        assert!(tokio::time::timeout(Duration::ZERO, first.as_mut()).await.is_err());
        let stall = async {
            tokio::time::pause();
            // The upload is waited for, and then its token.
            for _ in 0..if has_token { 1 } else { 2 } {
                tokio::time::advance(Duration::from_secs(31)).await;
                tokio::task::yield_now().await;
            }
            tokio::time::resume();
        };
        let (second, ()) = tokio::join!(send(&client, file(100)), stall);
        second.expect("a response");
    }
}

#[tokio::test]
async fn uploads_are_not_reused_after_a_model_could_not_download_a_file() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let file = || FileInput::bytes(some_bytes(100), "image/png");
    send_all(&client, [file(), file()]).await;
    assert_eq!(emulator.files().len(), 1);
    let lost = json!({ "detail": [
        { "loc": ["body", "image_url"], "msg": "Failed to download the file", "type": "file_download_error" }
    ]});
    let fault = || Fault::respond(422).json(&lost);
    for (operation, files) in [(Operation::Run, 2), (Operation::Result, 3)] {
        emulator.inject_fault(operation, fault());
        let input = JsonInput::from(json!({})).file("image_url", file()).expect("an input");
        let endpoint = client.endpoint(ENDPOINT);
        let error = match operation {
            Operation::Run => endpoint.run(input).await.map(drop),
            _ => endpoint.subscribe(input).await.map(drop),
        };
        assert_eq!(error.expect_err("lost").error_type(), Some(&ErrorType::FileDownloadError));
        send_all(&client, [file(), file()]).await;
        assert_eq!(emulator.files().len(), files);
    }
}
