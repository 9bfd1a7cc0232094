//! Local files that change while they are uploaded: what arrives is one version of the file, or nothing.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use fal_client::{ErrorKind, FileInput, Repository};

use crate::support::bytes::some_bytes;
use crate::support::storage::Storage;

/// The length of the files, which are sent in four parts.
const LENGTH: usize = 1 << 20;

fn modified(path: &Path) -> std::time::SystemTime {
    fs::metadata(path).and_then(|metadata| metadata.modified()).expect("a time")
}

/// Uploads a file in parts, changes it after the first bytes, and returns what is stored in the end.
async fn upload_changed(change: impl Fn(&Path) + Send + Sync) -> (Result<Vec<u8>, fal_client::Error>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.bin");
    fs::write(&path, vec![7; LENGTH]).expect("a file");
    let storage = Storage::start().await;
    let policy = Storage::policy().parallel_parts(1).part_size(1 << 18).multipart_above(1 << 19);
    let client = storage.builder().uploads(policy).build().expect("a client");
    let (changed, at) = (AtomicBool::new(false), path.clone());
    let upload = client.storage().upload(FileInput::path(&path)).on_progress(|progress| {
        if progress.bytes > 0 && !changed.swap(true, Ordering::Relaxed) {
            change(&at);
        }
    });
    let result = upload.await.map(|uploaded| storage.file(&uploaded.url).expect("a stored file").bytes);
    assert!(changed.load(Ordering::Relaxed), "the file was changed");
    (result, storage.labels())
}

#[cfg(unix)]
#[tokio::test]
async fn a_change_is_noticed_even_if_length_and_time_are_those_of_before() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("rewritten in place", |path| {
            let before = modified(path);
            let mut file = OpenOptions::new().write(true).open(path).expect("a file");
            file.write_all(&some_bytes(LENGTH)).expect("other bytes");
            file.set_modified(before).expect("the same time");
        }),
        ("replaced by rename", |path| {
            let (before, other) = (modified(path), path.with_extension("other"));
            fs::write(&other, some_bytes(LENGTH)).expect("another file");
            File::options().write(true).open(&other).and_then(|file| file.set_modified(before)).expect("the same time");
            fs::rename(&other, path).expect("replaced");
        }),
        ("truncated and written again", |path| {
            let before = modified(path);
            fs::write(path, some_bytes(LENGTH)).expect("other bytes");
            File::options().write(true).open(path).and_then(|file| file.set_modified(before)).expect("the same time");
        }),
        ("changed in its last byte", |path| {
            use std::os::unix::fs::FileExt;
            let before = modified(path);
            let file = OpenOptions::new().write(true).open(path).expect("a file");
            file.write_all_at(b"8", LENGTH as u64 - 1).expect("another byte");
            file.set_modified(before).expect("the same time");
        }),
        ("removed and created", |path| {
            let before = modified(path);
            fs::remove_file(path).expect("removed");
            fs::write(path, some_bytes(LENGTH)).expect("another file");
            File::options().write(true).open(path).and_then(|file| file.set_modified(before)).expect("the same time");
        }),
    ];
    for (how, change) in changes {
        let (result, labels) = upload_changed(change).await;
        let error = result.expect_err(how);
        assert_eq!(error.kind(), ErrorKind::File, "{how}: {error}");
        assert!(error.to_string().contains("a.bin changed while it was being sent"), "{how}: {error}");
        assert!(!labels.contains(&"complete".to_owned()), "{how}: {labels:?}");
    }
}

#[tokio::test]
async fn other_files_of_the_folder_may_change() {
    let (result, _) = upload_changed(|path| {
        fs::write(path.with_file_name("b.bin"), b"new").expect("a file");
        fs::read(path).expect("a file");
    })
    .await;
    assert!(result.expect("uploaded") == vec![7; LENGTH]);
}

#[tokio::test]
async fn a_retried_part_is_read_from_the_open_file() {
    use crate::support::server::Reply;
    use crate::support::storage::Fault;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.bin");
    let bytes = some_bytes(LENGTH);
    fs::write(&path, &bytes).expect("a file");
    for repository in [Repository::Cdn, Repository::Signed, Repository::Gcs] {
        let storage = Storage::start().await;
        for part in [1, 3, 3, 4] {
            storage.inject_fault(format!("part {part}"), Fault::Instead(Reply::json(503, "{}")));
        }
        let policy = Storage::policy().part_size(1 << 18).multipart_above(1 << 19).repository(repository);
        let client = storage.builder().uploads(policy).build().expect("a client");
        let uploaded = client.storage().upload(FileInput::path(&path)).await.expect("uploaded");
        assert!(storage.file(&uploaded.url).expect("a stored file").bytes == bytes, "{repository:?}");
    }
}

/// A file is open only while it is uploaded, so that an input may have more files than a process may open.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn files_of_an_input_are_open_only_while_they_are_uploaded() {
    use fal_client::JsonInput;

    let folder = tempfile::tempdir().expect("a folder");
    let storage = Storage::start().await;
    let policy = Storage::policy().part_size(1 << 18).multipart_above(1 << 19).parallel_files(2);
    let client = storage.builder().uploads(policy).build().expect("a client");
    let mut input = JsonInput::from(serde_json::json!({ "files": {} }));
    for number in 0..20 {
        let path = folder.path().join(format!("{number}.bin"));
        fs::write(&path, vec![number; 600_000]).expect("a file");
        input = input.file(format!("/files/f{number}"), FileInput::path(&path)).expect("a field");
    }
    let within = folder.path().to_owned();
    let open_files = move || {
        let links = fs::read_dir("/proc/self/fd").expect("descriptors").flatten();
        links.filter(|link| fs::read_link(link.path()).is_ok_and(|target| target.starts_with(&within))).count()
    };
    let call = client.endpoint("a/b").run(input);
    let mut call = std::pin::pin!(call.send());
    let mut most = 0;
    loop {
        tokio::select! {
            done = &mut call => {
                done.expect("a response");
                break;
            }
            () = tokio::task::yield_now() => most = most.max(open_files()),
        }
    }
    assert!(most <= 2, "{most} files were open");
    assert_eq!((open_files(), storage.files()), (0, 20));
}
