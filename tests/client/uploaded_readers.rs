//! Uploads of readers: of any length, read once, and no further ahead than the parts in flight.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fal_client::{ErrorKind, FileInput, Repository};

use crate::support::bytes::some_bytes;
use crate::support::server::Reply;
use crate::support::storage::{Fault, Storage, hash};

#[tokio::test]
async fn readers_of_any_length_are_uploaded_completely() {
    for repository in [Repository::Cdn, Repository::Signed, Repository::Gcs] {
        let storage = Storage::start().await;
        let client = storage.builder().build().expect("a client");
        for length in [0, 1, 399, 400, 401, 800, 1201] {
            for declared in [None, Some(length as u64)] {
                let bytes: &'static [u8] = some_bytes(length).leak();
                let file = FileInput::reader(bytes, declared).content_type("a/b");
                let uploaded = client.storage().upload(file).repository(repository).await.expect("uploaded");
                let kept = storage.file(&uploaded.url).expect("a file");
                assert_eq!(hash(&kept.bytes), hash(bytes), "{repository:?} {length}");
                assert_eq!(uploaded.file_size, Some(length as i64));
            }
        }
    }
}

#[tokio::test]
async fn readers_are_rejected_when_reused_failing_or_of_another_length() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let bytes: &'static [u8] = some_bytes(1000).leak();
    for (declared, words) in [
        (999, "returned 1000 bytes, more than the declared 999"),
        (1001, "returned 1000 bytes, fewer than the declared 1001"),
        (400, "more than the declared 400"),
        (0, "more than the declared 0"),
        (1 << 42, "fewer than the declared 4398046511104"),
    ] {
        let error = client.storage().upload(FileInput::reader(bytes, declared)).await.expect_err(words);
        assert_eq!(error.kind(), ErrorKind::File);
        assert!(error.to_string().contains(words), "{error}");
    }
    let file = FileInput::reader(bytes, None);
    client.storage().upload(file.clone()).await.expect("uploaded");
    let error = client.storage().upload(file).await.expect_err("read before");
    assert!(error.to_string().contains("already read"), "{error}");

    struct Broken;
    impl tokio::io::AsyncRead for Broken {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::Error::other("the disk failed")))
        }
    }
    let error = client.storage().upload(FileInput::reader(Broken, None)).await.expect_err("broken");
    assert!(error.to_string().contains("the disk failed"), "{error}");
}

#[tokio::test]
async fn a_reader_is_read_ahead_by_at_most_the_parts_in_flight() {
    let (read, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let storage = Storage::start().await;
    let client = storage.builder().uploads(Storage::policy().parallel_parts(2)).build().expect("a client");

    /// A reader that counts the bytes read.
    struct Counted(Arc<AtomicUsize>, usize);
    impl tokio::io::AsyncRead for Counted {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            let length = buffer.remaining().min(self.1);
            buffer.put_slice(&vec![7; length]);
            self.1 -= length;
            self.0.fetch_add(length, Ordering::Relaxed);
            std::task::Poll::Ready(Ok(()))
        }
    }
    let sent = Arc::new(Mutex::new(0));
    let (of_progress, most_ahead) = (Arc::clone(&sent), Arc::clone(&most));
    let upload = client.storage().upload(FileInput::reader(Counted(Arc::clone(&read), 20_000), None));
    upload
        .on_progress(move |progress| {
            *of_progress.lock().expect("not poisoned") = progress.bytes as usize;
            most_ahead
                .fetch_max(read.load(Ordering::Relaxed).saturating_sub(progress.bytes as usize), Ordering::Relaxed);
        })
        .await
        .expect("uploaded");
    // Two parts in flight and one waiting.
    assert!(most.load(Ordering::Relaxed) <= 3 * 400, "{most:?}");
    assert_eq!(*sent.lock().expect("not poisoned"), 20_000);
}

#[tokio::test]
async fn a_dropped_upload_frees_its_reader_and_connections() {
    struct Held(Arc<AtomicBool>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    impl tokio::io::AsyncRead for Held {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            buffer.put_slice(&vec![7; buffer.remaining()]);
            std::task::Poll::Ready(Ok(()))
        }
    }
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    for number in 1..=4 {
        storage.inject_fault(format!("part {number}"), Fault::Instead(Reply::json(200, "{").stalled()));
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (sender, mut receiver) = tokio::sync::watch::channel(0);
    {
        let upload = client.storage().upload(FileInput::reader(Held(Arc::clone(&dropped)), None));
        let upload = upload.on_progress(move |progress| _ = sender.send_replace(progress.bytes)).send();
        tokio::select! {
            outcome = upload => panic!("{outcome:?}"),
            _ = receiver.wait_for(|bytes| *bytes >= 1600) => {}
        }
    }
    assert!(dropped.load(Ordering::Acquire), "the reader is not dropped");
    // The tasks of the connections, of client and server, end soon after.
    while tokio::runtime::Handle::current().metrics().num_alive_tasks() > tasks {
        tokio::task::yield_now().await;
    }
    let parts = storage.labels().iter().filter(|label| label.starts_with("part")).count();
    assert_eq!((parts, storage.files()), (4, 0));
}
