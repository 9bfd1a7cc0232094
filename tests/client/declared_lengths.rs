//! Lengths that are declared: they neither allocate memory nor decide about the size of parts without a limit.

use fal_client::{ErrorKind, FileInput, JsonInput, Repository, UploadPolicy};

use crate::support::bytes::some_bytes;
use crate::support::storage::Storage;

const TIB: u64 = 1 << 40;

#[tokio::test]
async fn impossible_lengths_are_errors_before_anything_is_sent() {
    let storage = Storage::start().await;
    for policy in [Storage::policy(), UploadPolicy::default(), UploadPolicy::default().part_size(u64::MAX)] {
        let client = storage.builder().uploads(policy).build().expect("a client");
        for length in [u64::MAX, u64::MAX - 1, i64::MAX as u64, 100 * TIB, 10_000 * TIB, 5 * TIB + 1] {
            for repository in [Repository::Cdn, Repository::Signed, Repository::Gcs] {
                let file = FileInput::reader(tokio::io::repeat(7), length);
                let error = client.storage().upload(file).repository(repository).await.expect_err("impossible");
                assert_eq!(error.kind(), ErrorKind::File, "{error}");
                assert!(error.to_string().contains(&format!("impossible length of a file: {length} bytes")), "{error}");
            }
            let file = FileInput::reader(tokio::io::empty(), length);
            let input = JsonInput::from(serde_json::json!({})).file("image_url", file).expect("a field");
            let error = client.endpoint("a/b").run(input).await.expect_err("impossible");
            assert!(error.to_string().contains("`image_url`: impossible length"), "{error}");
        }
    }
    assert_eq!(storage.labels(), Vec::<String>::new());
}

#[tokio::test]
async fn a_long_declared_length_allocates_nothing_in_advance() {
    let storage = Storage::start().await;
    let client = storage.builder().uploads(UploadPolicy::default()).build().expect("a client");
    for length in [5 * TIB, TIB, 1 << 33, 100 << 20] {
        let bytes: &'static [u8] = some_bytes(1000).leak();
        let error = client.storage().upload(FileInput::reader(bytes, length)).await.expect_err("shorter");
        let words = format!("returned 1000 bytes, fewer than the declared {length}");
        assert!(error.to_string().contains(&words), "{error}");
    }
    assert_eq!(storage.labels(), Vec::<String>::new());
}

#[tokio::test]
async fn a_reader_that_returns_more_than_declared_is_not_read_to_its_end() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    for length in [0, 1, 399, 400, 401, 1000] {
        let error =
            client.storage().upload(FileInput::reader(tokio::io::repeat(7), length)).await.expect_err("endless");
        assert_eq!(error.kind(), ErrorKind::File);
        assert!(error.to_string().contains(&format!("more than the declared {length}")), "{error}");
    }
    assert_eq!(storage.files(), 0);
}

/// A file with holes takes no space on the disk.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_local_file_that_is_too_long_is_rejected_before_anything_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.bin");
    let file = std::fs::File::create(&path).expect("a file");
    if file.set_len(6 * TIB).is_err() {
        // The file system has a lower limit of its own.
        return;
    }
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let error = client.storage().upload(FileInput::path(&path)).await.expect_err("too long");
    assert!(error.to_string().contains("impossible length of a file: 6597069766656 bytes"), "{error}");
    assert_eq!(storage.labels(), Vec::<String>::new());
}
