//! Files that are opened and hashed before they are uploaded, and files of outputs that are received in pieces.

use std::fs;
use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{ErrorKind, FileInput, Lifecycle, UploadPolicy};
use fal_emulator::Operation;
use sha2::{Digest, Sha256};

use crate::support::bytes::some_bytes;
use crate::support::emulator::{count, start_instant};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn opened_file_is_hashed_and_uploaded_once() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let (folder, bytes) = (tempfile::tempdir().expect("a folder"), some_bytes(1 << 20));
    let path = folder.path().join("room.bin");
    fs::write(&path, &bytes).expect("a file");
    let mut urls = Vec::new();
    for file in [FileInput::path(&path), FileInput::bytes(bytes.clone(), "").name("room.bin")] {
        let file = client.storage().open(file).await.expect("an open file");
        assert_eq!((file.sha256(), file.len(), file.is_inlined()), (sha256(&bytes), 1 << 20, false));
        urls.push(file.upload().await.expect("a URL"));
    }
    assert_eq!((urls[0] == urls[1], emulator.files().len()), (true, 1));
    assert_eq!(emulator.files()[0].sha256().expect("a hash"), sha256(&bytes));
}

#[tokio::test]
async fn upload_ids_are_equal_for_interchangeable_uploads_only() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let day = UploadPolicy::default().lifecycle(Lifecycle::expires_after(Duration::from_secs(86_400)));
    let expiring = emulator.client_builder().uploads(day).build().expect("a client");
    let file = || FileInput::bytes(&b"abc"[..], "text/plain").name("a.txt");
    let mut ids = Vec::new();
    for (client, file) in [
        (&client, file()),
        (&client, file()),
        (&client, file().name("b.txt")),
        (&client, file().content_type("text/csv")),
        (&client, FileInput::bytes(&b"abd"[..], "text/plain").name("a.txt")),
        (&expiring, file()),
    ] {
        let file = client.storage().open(file).await.expect("an open file");
        ids.push(file.upload_id().await.expect("an id"));
    }
    assert_eq!(ids[0], ids[1]);
    ids.remove(0);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn file_that_changes_after_it_was_opened_is_not_uploaded() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("room.bin");
    fs::write(&path, some_bytes(1 << 20)).expect("a file");
    let file = client.storage().open(FileInput::path(&path)).await.expect("an open file");
    let mut changed = some_bytes(1 << 20);
    changed[1000] ^= 1;
    fs::write(&path, &changed).expect("a changed file");
    let error = file.upload().await.expect_err("a changed file");
    assert_eq!(error.kind(), ErrorKind::File, "{error}");

    // A small file is in memory, so that its first version is uploaded.
    fs::write(&path, b"first").expect("a file");
    let file = client.storage().open(FileInput::path(&path)).await.expect("an open file");
    let hash = file.sha256();
    fs::write(&path, b"other").expect("a changed file");
    file.upload().await.expect("a URL");
    assert_eq!(emulator.files().last().expect("a file").sha256().expect("a hash"), hash);
}

#[tokio::test]
async fn inlined_files_become_data_uris_and_large_readers_are_rejected() {
    let emulator = start_instant().await;
    let policy = UploadPolicy::default().inline_below(10).part_size(100);
    let client = emulator.client_builder().uploads(policy).build().expect("a client");
    let file = client.storage().open(FileInput::reader(&b"abc"[..], None).content_type("text/plain")).await;
    let file = file.expect("an open file");
    assert!(file.is_inlined());
    assert_eq!(file.upload().await.expect("a data URI"), "data:text/plain;base64,YWJj");
    let error = client.storage().open(FileInput::reader(&[0; 100][..], 100)).await.expect_err("a large reader");
    assert!(error.to_string().contains("`FileInput::path`"), "{error}");
    let error = client.storage().open("https://example.com/a.png").await.expect_err("a remote file");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[tokio::test]
async fn storage_knows_which_urls_have_files() {
    let emulator = start_instant().await;
    let storage = emulator.client().storage();
    let fox = emulator.add_file("fox.png", "image/png", b"fox").expect("a file");
    let empty = emulator.add_file("empty.txt", "text/plain", b"").expect("a file");
    assert!(storage.has(fox.url()).await.expect("a response"));
    assert!(storage.has(empty.url()).await.expect("a response"));
    assert!(!storage.has(format!("{}x", fox.url())).await.expect("a response"));
    assert_eq!(storage.has("data:,a").await.expect_err("not a web URL").kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn missing_upload_is_not_reused_by_its_client() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let file = || FileInput::bytes(&b"abc"[..], "text/plain").name("a.txt");
    let first = client.storage().open(file()).await.expect("an open file").upload().await.expect("a URL");
    emulator.add_file("b.txt", "text/plain", b"b").expect("a file");
    assert!(!client.storage().has(format!("{first}x")).await.expect("a response"));
    let second = client.storage().open(file()).await.expect("an open file").upload().await.expect("a URL");
    assert_ne!(first, second);
}

#[tokio::test]
async fn inputs_are_checked_with_their_local_files() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let input = redux::Input::builder().image_url(FileInput::path("/no/such/file.png")).num_images(-1).build();
    let error = client.check_input(&input).await.expect_err("an invalid number");
    assert!(error.field_errors().iter().any(|error| error.path() == "num_images"), "{error}");
    let input = redux::Input::builder().image_url(FileInput::bytes(&b"abc"[..], "image/png")).build();
    client.check_input(&input).await.expect("a valid input");
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn media_are_received_in_pieces_with_their_type_and_name() {
    let emulator = start_instant().await;
    let client = emulator.client();
    let bytes = [&b"\x89PNG\r\n\x1a\n"[..], &some_bytes(1 << 20)].concat();
    let stored = emulator.add_file("fox.jpeg", "application/octet-stream", &bytes).expect("a file");
    let mut file = client.open_media(stored.url()).await.expect("a file");
    assert_eq!((file.len(), file.content_type()), (Some(bytes.len() as u64), Some("image/png")));
    assert!(file.file_name().ends_with(".png"), "{}", file.file_name());
    let mut received = Vec::new();
    while let Some(piece) = file.next().await.expect("a piece") {
        received.extend_from_slice(&piece);
    }
    assert!(received == bytes);
    assert_eq!(count(&emulator, Operation::Media), 1);
    let error = client.open_media(format!("{}x", stored.url())).await.expect_err("a missing file");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
}
