//! Files of inputs: their part in the key, and the reuse of uploads.

use std::path::Path;
use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Client, FileInput, Lifecycle, UploadPolicy};
use fal_emulator::{Emulator, Fault, Operation};
use fal_jobs::ErrorKind;
use serde_json::json;

use crate::support::{Database, Outcome, emulator, on_both_databases};

on_both_databases!(
    equal_bytes_are_one_job,
    uploads_are_reused_by_later_processes,
    progress_of_uploads_is_reported,
    missing_uploads_are_replaced,
    upload_that_a_model_cannot_download_is_replaced,
    finished_job_uploads_nothing,
    changed_file_is_another_job,
    files_are_inlined_by_the_clients_policy,
    readers_count_by_their_bytes,
    unreadable_files_are_errors_before_anything_is_sent,
);

const PIXELS: &[u8] = b"\x89PNG\r\n\x1a\n and then some";

fn redux(file: impl Into<FileInput>) -> redux::Input {
    redux::Input::builder().image_url(file.into()).build()
}

fn seeded(file: impl Into<FileInput>, seed: i64) -> redux::Input {
    redux::Input::builder().image_url(file.into()).seed(seed).build()
}

fn in_folder(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<FileInput> {
    let path = folder.join(name);
    std::fs::write(&path, bytes)?;
    Ok(FileInput::path(path))
}

async fn equal_bytes_are_one_job(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    let first = journal.run(&handle, redux(in_folder(folder.path(), "fox.png", PIXELS)?)).key("fox").await?;
    let uri = "data:image/png;base64,iVBORw0KGgogYW5kIHRoZW4gc29tZQ==";
    for same in [
        in_folder(folder.path(), "room.png", PIXELS)?,
        FileInput::bytes(PIXELS, "image/png").name("other.png"),
        FileInput::from(PIXELS.to_vec()),
        FileInput::reader(PIXELS, None),
        FileInput::url(uri),
    ] {
        let again = journal.run(&handle, redux(same)).key("fox").await?;
        assert_eq!((&again.record.request_id, &again.record.input), (&first.record.request_id, &first.record.input));
    }
    assert!(!first.record.input.contains("fox.png"), "{}", first.record.input);
    assert!(first.record.input.contains("sha256:"), "{}", first.record.input);
    let remote = journal.run(&handle, redux("https://example.com/fox.png")).key("fox").await;
    assert_eq!(remote.expect_err("another input").kind(), ErrorKind::KeyConflict);
    assert_eq!((emulator.jobs().len(), emulator.files().len()), (1, 1));
    Ok(())
}

async fn progress_of_uploads_is_reported(database: Database) -> Outcome {
    let (_emulator, client) = emulator().await?;
    let folder = tempfile::tempdir()?;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let file = in_folder(folder.path(), "fox.png", PIXELS)?;
    let call = database.journal().await?.run(&client.endpoint(redux::ENDPOINT), redux(file));
    call.on_upload_progress(move |field, progress| drop(sender.send((field.to_owned(), progress)))).await?;
    let mut last = None;
    while let Some(report) = receiver.recv().await {
        last = Some(report);
    }
    let (field, progress) = last.ok_or("no progress")?;
    let size = PIXELS.len() as u64;
    assert_eq!((&*field, progress.bytes, progress.total), ("image_url", size, Some(size)));
    Ok(())
}

async fn uploads_are_reused_by_later_processes(database: Database) -> Outcome {
    let emulator = Emulator::start().await?;
    let folder = tempfile::tempdir()?;
    for seed in 0..3 {
        let client = emulator.client();
        let file = in_folder(folder.path(), "fox.png", PIXELS)?;
        let handle = client.endpoint(redux::ENDPOINT);
        database.journal().await?.run(&handle, seeded(file, seed)).await?;
    }
    assert_eq!((emulator.jobs().len(), emulator.files().len()), (3, 1));

    // Another name, and another policy, are other uploads.
    let file = FileInput::bytes(PIXELS, "image/png").name("other.png");
    database.journal().await?.run(&emulator.client().endpoint(redux::ENDPOINT), seeded(file.clone(), 3)).await?;
    let policy = UploadPolicy::default().lifecycle(Lifecycle::expires_after(Duration::from_secs(86_400)));
    let client = emulator.client_builder().uploads(policy).build()?;
    database.journal().await?.run(&client.endpoint(redux::ENDPOINT), seeded(file, 4)).await?;
    assert_eq!((emulator.jobs().len(), emulator.files().len()), (5, 3));
    Ok(())
}

async fn missing_uploads_are_replaced(database: Database) -> Outcome {
    let emulator = Emulator::start().await?;
    let client = |emulator: &Emulator| -> Result<Client, fal_client::Error> {
        let policy = UploadPolicy::default().lifecycle(Lifecycle::expires_after(Duration::from_secs(7200)));
        emulator.client_builder().uploads(policy).build()
    };
    let file = || FileInput::bytes(PIXELS, "image/png").name("fox.png");
    database.journal().await?.run(&client(&emulator)?.endpoint(redux::ENDPOINT), seeded(file(), 1)).await?;
    let first = emulator.files()[0].url().to_owned();
    emulator.advance_time(Duration::from_secs(10_000));
    assert_eq!(emulator.files().len(), 0);
    database.journal().await?.run(&client(&emulator)?.endpoint(redux::ENDPOINT), seeded(file(), 2)).await?;
    assert_eq!(emulator.files().len(), 1);
    assert_ne!(emulator.files()[0].url(), first);
    Ok(())
}

async fn upload_that_a_model_cannot_download_is_replaced(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let file = || FileInput::bytes(PIXELS, "image/png").name("fox.png");
    journal.run(&handle, seeded(file(), 1)).key("first").await?;
    let lost = json!({ "detail": [{ "loc": ["body", "image_url"], "msg": "no file", "type": "file_download_error" }] });
    emulator.inject_fault(Operation::Submit, Fault::outcome(422).json(&lost));
    let error = journal.run(&handle, seeded(file(), 2)).key("second").await.expect_err("a lost file");
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(emulator.files().len(), 1);
    journal.permit("second").await?;
    journal.run(&handle, seeded(file(), 2)).key("second").await?;
    assert_eq!(emulator.files().len(), 2);
    Ok(())
}

async fn finished_job_uploads_nothing(database: Database) -> Outcome {
    let emulator = Emulator::start().await?;
    let policy = UploadPolicy::default().lifecycle(Lifecycle::expires_after(Duration::from_secs(60)));
    for _ in 0..2 {
        let client = emulator.client_builder().uploads(policy.clone()).build()?;
        let input = redux(FileInput::bytes(PIXELS, "image/png"));
        database.journal().await?.run(&client.endpoint(redux::ENDPOINT), input).key("fox").await?;
        let files = emulator.files().len();
        emulator.advance_time(Duration::from_secs(100));
        assert_eq!((emulator.jobs().len(), files), (1, if files == 1 { 1 } else { 0 }));
    }
    assert!(emulator.files().is_empty());
    Ok(())
}

async fn changed_file_is_another_job(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    // More than one chunk, so that the file is hashed as a stream.
    let (mut bytes, name) = (vec![7; 3 << 20], "fox.png");
    journal.run(&handle, redux(in_folder(folder.path(), name, &bytes)?)).key("fox").await?;
    bytes[1 << 20] = 8;
    let changed = in_folder(folder.path(), name, &bytes)?;
    let error = journal.run(&handle, redux(changed.clone())).key("fox").await.expect_err("another input");
    assert_eq!(error.kind(), ErrorKind::KeyConflict);
    journal.run(&handle, redux(changed)).await?;
    let hashes: Vec<String> = emulator.files().iter().filter_map(|file| file.sha256().ok()).collect();
    assert_eq!((emulator.jobs().len(), hashes.len()), (2, 2));
    assert_ne!(hashes[0], hashes[1]);
    Ok(())
}

async fn files_are_inlined_by_the_clients_policy(database: Database) -> Outcome {
    let emulator = Emulator::start().await?;
    let client = emulator.client_builder().uploads(UploadPolicy::default().inline_below(1000)).build()?;
    let handle = client.endpoint(redux::ENDPOINT);
    let run = database.journal().await?.run(&handle, redux(FileInput::bytes(PIXELS, "image/png"))).await?;
    let sent = String::from_utf8_lossy(emulator.jobs()[0].request().body()).into_owned();
    assert!(sent.contains("data:image/png;base64,"), "{sent}");
    assert!(!run.record.input.contains("base64"), "{}", run.record.input);
    assert!(emulator.files().is_empty());
    Ok(())
}

async fn readers_count_by_their_bytes(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let reader = |length| FileInput::reader(&[1; 2 << 20][..length], length as u64);
    journal.run(&handle, redux(reader(1000))).key("small").await?;
    journal.run(&handle, redux(reader(1000))).key("small").await?;
    let error = journal.run(&handle, redux(reader(1001))).key("small").await.expect_err("other bytes");
    assert_eq!(error.kind(), ErrorKind::KeyConflict);

    let large = FileInput::reader(tokio::io::AsyncReadExt::take(tokio::io::repeat(1), 11 << 20), None);
    let error = journal.run(&handle, redux(large)).await.expect_err("too large to be hashed");
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(error.to_string().contains("`FileInput::path`"), "{error}");
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn unreadable_files_are_errors_before_anything_is_sent(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    for file in
        [FileInput::path("/no/such/fox.png"), FileInput::url("fox.png"), FileInput::url("data:image/png;base64,!")]
    {
        let error = journal.run(&handle, redux(file)).key("fox").await.expect_err("a file that is not there");
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    }
    assert!(journal.get("fox").await?.is_none());
    assert!(emulator.requests().is_empty());
    Ok(())
}
