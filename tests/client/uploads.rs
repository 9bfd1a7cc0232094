//! Uploads by token, by signed URL and to Google, in one request and in parts, and the metadata of files.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fal_client::{Access, ErrorKind, FileInput, Lifecycle, Repository};
use serde_json::json;

use crate::support::bytes::some_bytes;
use crate::support::server::{KEY, Reply, Seen, Server};
use crate::support::storage::{Fault, Storage, hash, label};

const REPOSITORIES: [Repository; 3] = [Repository::Cdn, Repository::Signed, Repository::Gcs];

#[tokio::test]
async fn files_above_the_threshold_are_uploaded_in_parts() {
    let names = ["token", "create", "initiate", "complete"];
    for (repository, length, labels) in [
        (Repository::Cdn, 5, vec!["token", "upload"]),
        (Repository::Cdn, 0, vec!["token", "upload"]),
        (Repository::Cdn, 1000, vec!["token", "upload"]),
        (Repository::Cdn, 1001, vec!["token", "create", "part 1", "part 2", "part 3", "complete"]),
        // Around a multiple of the part size.
        (Repository::Cdn, 1199, vec!["token", "create", "part 1", "part 2", "part 3", "complete"]),
        (Repository::Cdn, 1200, vec!["token", "create", "part 1", "part 2", "part 3", "complete"]),
        (Repository::Cdn, 1201, vec!["token", "create", "part 1", "part 2", "part 3", "part 4", "complete"]),
        (Repository::Signed, 1200, vec!["initiate", "part 1", "part 2", "part 3", "complete"]),
        (Repository::Signed, 1000, vec!["initiate", "put"]),
        (Repository::Signed, 1001, vec!["initiate", "part 1", "part 2", "part 3", "complete"]),
        (Repository::Gcs, 0, vec!["initiate", "put"]),
        (
            Repository::Gcs,
            1201,
            vec![
                "initiate", "part 1", "part 2", "part 3", "part 4", "sign 1", "sign 2", "sign 3", "sign 4", "complete",
            ],
        ),
    ] {
        let storage = Storage::start().await;
        let client = storage.builder().build().expect("a client");
        let bytes = some_bytes(length);
        let file = FileInput::bytes(bytes.clone(), "image/png");
        let uploaded = client.storage().upload(file).repository(repository).await.expect("uploaded");
        let kept = storage.file(&uploaded.url).expect("a file");
        assert_eq!(hash(&kept.bytes), hash(&bytes), "{repository:?} {length}");
        assert_eq!(kept.content_type, "image/png");
        assert_eq!((uploaded.file_size, uploaded.content_type.as_deref()), (Some(length as i64), Some("image/png")));
        let mut seen = storage.labels();
        // Parts arrive in any order.
        let from = seen.iter().position(|label| !names.contains(&&**label)).unwrap_or(0);
        let to = seen.iter().rposition(|label| !names.contains(&&**label)).unwrap_or(0);
        seen[from..=to].sort();
        assert_eq!(seen, labels, "{repository:?} {length}");
    }
}

#[tokio::test]
async fn upload_requests_match_fals_clients() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let lifecycle = Lifecycle::expires_after(Duration::from_secs(86_400)).access(Access::Hide).allow("u");
    let preference = r#"{"expiration_duration_seconds":86400,"initial_acl":{"default":"hide","rules":[{"user":"u","decision":"allow"}]}}"#;
    let describe = |seen: &Seen| {
        let relevant = ["authorization", "content-type", "x-fal-file-name", "x-fal-object-lifecycle"];
        let headers: Vec<String> = relevant
            .iter()
            .filter_map(|name| Some(format!("{name}: {}", seen.header(name)?.replace(KEY, "id:secret"))))
            .collect();
        (seen.line(), headers)
    };
    let headers = |headers: &[&str]| headers.iter().map(|header| header.to_string()).collect::<Vec<String>>();

    let file = FileInput::bytes(some_bytes(5), "text/plain").name("a.txt");
    client.storage().upload(file).lifecycle(lifecycle.clone()).await.expect("uploaded");
    let (line, seen) = describe(&storage.seen("token"));
    assert_eq!(line, "POST /rest/storage/auth/token?storage_type=fal-cdn-v3");
    assert_eq!(seen, headers(&["authorization: Key id:secret", "content-type: application/json"]));
    assert_eq!(storage.seen("token").body, b"{}");
    let (line, seen) = describe(&storage.seen("upload"));
    assert_eq!(line, "POST /cdn/files/upload");
    let lifecycle_header = format!("x-fal-object-lifecycle: {preference}");
    assert_eq!(
        seen,
        headers(&[
            "authorization: Bearer token-1",
            "content-type: text/plain",
            "x-fal-file-name: a.txt",
            &lifecycle_header
        ])
    );

    let file = FileInput::bytes(some_bytes(1001), "video/mp4").name("zoë.mp4");
    client.storage().upload(file).await.expect("uploaded");
    let (_, seen) = describe(&storage.seen("create"));
    let expected = ["authorization: Bearer token-1", "content-type: video/mp4", "x-fal-file-name: zo_.mp4"];
    assert_eq!(seen, headers(&expected));
    assert!(storage.seen("create").body.is_empty());
    let (_, seen) = describe(&storage.seen("part 3"));
    assert_eq!(seen, headers(&["authorization: Bearer token-1", "content-type: video/mp4"]));
    assert_eq!(
        (storage.seen("part 3").header("accept-encoding"), storage.seen("part 3").body.len()),
        (Some("identity"), 201)
    );

    let file = FileInput::bytes(some_bytes(5), "text/plain; charset=utf-8").name("zoë.txt");
    let upload = client.storage().upload(file).repository(Repository::Signed).lifecycle(lifecycle);
    upload.await.expect("uploaded");
    let seen = storage.seen("initiate");
    assert_eq!(seen.json(), json!({ "content_type": "text/plain; charset=utf-8", "file_name": "zoë.txt" }));
    assert_eq!(
        describe(&seen),
        (
            "POST /rest/storage/upload/initiate?storage_type=fal-cdn-v3".to_owned(),
            headers(&["authorization: Key id:secret", "content-type: application/json", &lifecycle_header])
        )
    );
    let (line, seen) = describe(&storage.seen("put"));
    assert!(line.ends_with("?sig=signature-1&x=1"), "{line}");
    assert_eq!(seen, headers(&["content-type: text/plain; charset=utf-8"]));

    for seen in storage.server().seen() {
        let with_key = seen.headers.iter().any(|(_, value)| value.contains(KEY)) || seen.target.contains(KEY);
        assert_eq!(with_key, seen.target.starts_with("/rest/"), "{}", seen.line());
    }
}

#[tokio::test]
async fn an_unnamed_file_gets_a_name_for_signed_uploads() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    for (content_type, name) in [("image/jpeg", "upload.jpg"), ("application/x-unheard-of", "upload.bin")] {
        let file = FileInput::bytes(some_bytes(5), content_type);
        let url = client.storage().upload(file).repository(Repository::Signed).await.expect("uploaded").url;
        assert_eq!(storage.file(&url).expect("a file").name.as_deref(), Some(name));
    }
}

#[tokio::test]
async fn the_content_type_is_explicit_or_detected_from_bytes_or_name() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let folder = tempfile::tempdir().expect("a folder");
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        FileInput::path(path)
    };
    let png = b"\x89PNG\r\n\x1a\n";
    for (file, content_type, name) in [
        (written("a.webp", png), "image/png", Some("a.webp")),
        (written("a", png), "image/png", Some("a")),
        (written("b", b"?"), "application/octet-stream", Some("b")),
        (written("c", b""), "application/octet-stream", Some("c")),
        (written("d.png", b"").content_type("image/gif").name("e.gif"), "image/gif", Some("e.gif")),
        (FileInput::from(png.to_vec()), "image/png", None),
        (FileInput::from(png.to_vec()).name("a.gif"), "image/png", Some("a.gif")),
        (FileInput::reader(&png[..], None), "image/png", None),
        (FileInput::reader(&b"?"[..], 1).name("a.mp4"), "video/mp4", Some("a.mp4")),
        (FileInput::url("data:image/bmp;base64,AAAA"), "image/bmp", None),
    ] {
        let shown = format!("{file:?}");
        let uploaded = client.storage().upload(file).await.expect("uploaded");
        let kept = storage.file(&uploaded.url).expect("a file");
        assert_eq!((&*kept.content_type, kept.name.as_deref()), (content_type, name), "{shown}");
        assert_eq!((uploaded.content_type.as_deref(), uploaded.file_name.as_deref()), (Some(content_type), name));
    }
}

#[tokio::test]
async fn remote_urls_are_returned_unchanged_and_invalid_files_are_rejected() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let url = "https://example.com/a.png";
    assert_eq!(client.storage().upload(url).await.expect("unchanged").url, url);

    let folder = tempfile::tempdir().expect("a folder");
    for (file, kind, words) in [
        (FileInput::url("a.png"), ErrorKind::InvalidInput, "FileInput::path"),
        (FileInput::url("file:///etc/passwd"), ErrorKind::InvalidInput, "FileInput::path"),
        (FileInput::url(""), ErrorKind::InvalidInput, "FileInput::path"),
        (FileInput::url("data:nonsense"), ErrorKind::InvalidInput, "data URI"),
        (FileInput::path(folder.path()), ErrorKind::File, "is a folder"),
        (FileInput::path(folder.path().join("missing.png")), ErrorKind::File, "missing.png: No such file"),
        (FileInput::path("/dev/null"), ErrorKind::File, "not a regular file"),
        (FileInput::path(folder.path().join("a.txt/b.txt")), ErrorKind::File, "cannot read"),
        (FileInput::path(""), ErrorKind::File, "cannot read"),
    ] {
        let error = client.storage().upload(file).await.expect_err(words);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(storage.server().seen().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_rejected_without_opening_it() {
    let storage = Storage::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    // Opening a pipe blocks until something writes to it.
    let error = storage.builder().build().expect("a client").storage().upload(FileInput::path(&pipe)).await;
    let error = error.expect_err("not a file");
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().contains("`FileInput::reader`"), "{error}");
}

#[tokio::test]
async fn unusual_names_are_accepted_and_invalid_media_types_rejected() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let long = "x".repeat(3000);
    for (name, in_header) in [
        ("狐 zoë.png", "_ zo_.png"),
        ("a\nb: \"c\"\0.png", "a_b: \"c\"_.png"),
        ("../a\\b/c.png", "../a\\b/c.png"),
        (&*long, &*long),
    ] {
        for repository in REPOSITORIES {
            for length in [10, 1001] {
                let file = FileInput::bytes(some_bytes(length), "image/png").name(name);
                let uploaded = client.storage().upload(file).repository(repository).await.expect(name);
                let kept = storage.file(&uploaded.url).expect("a file").name;
                let expected = if repository == Repository::Cdn { in_header } else { name };
                assert_eq!((kept.as_deref(), uploaded.file_name.as_deref()), (Some(expected), Some(name)));
            }
        }
    }
    // An empty string counts as unset.
    let file = FileInput::bytes(&b"GIF89a"[..], "").name("");
    let uploaded = client.storage().upload(file).await.expect("uploaded");
    assert_eq!((uploaded.content_type.as_deref(), uploaded.file_name), (Some("image/gif"), None));

    let before = storage.labels().len();
    for content_type in ["image/png\n", "image/png\r\nauthorization: Key x", "image/zoë", "\0"] {
        for repository in REPOSITORIES {
            for length in [10, 1001] {
                let file = FileInput::bytes(some_bytes(length), content_type);
                let error = client.storage().upload(file).repository(repository).await.expect_err(content_type);
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains("the media type of a file"), "{error}");
            }
        }
    }
    assert_eq!(storage.labels().len(), before);
}

#[tokio::test]
async fn etags_come_from_the_body_when_the_header_is_missing() {
    for repository in REPOSITORIES {
        let storage = Storage::start().await;
        storage.set_etag_in_body();
        let client = storage.builder().build().expect("a client");
        let bytes = some_bytes(3000);
        let upload = client.storage().upload(FileInput::bytes(bytes.clone(), "a/b")).repository(repository);
        let uploaded = upload.await.expect("uploaded");
        assert_eq!(hash(&storage.file(&uploaded.url).expect("a file").bytes), hash(&bytes));

        storage.inject_fault("part 2", Fault::Instead(Reply::json(200, "{}")));
        let upload = client.storage().upload(FileInput::bytes(bytes, "a/b")).repository(repository);
        let error = upload.await.expect_err("no ETag");
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert!(error.to_string().contains("no ETag"), "{error}");
    }
}

#[tokio::test]
async fn a_file_changed_during_its_upload_is_an_error() {
    type Change = fn(&std::path::Path);
    let changes: [(&str, Change); 5] = [
        ("is rewritten", |path| {
            let file = std::fs::OpenOptions::new().write(true).open(path).expect("a file");
            file.set_modified(std::time::UNIX_EPOCH).expect("another time");
        }),
        ("shrinks", |path| {
            let file = std::fs::OpenOptions::new().write(true).open(path).expect("a file");
            file.set_len(900).expect("shorter");
        }),
        ("grows", |path| {
            let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("a file");
            std::io::Write::write_all(&mut file, b"more").expect("longer");
        }),
        ("is deleted", |path| std::fs::remove_file(path).expect("removed")),
        ("is replaced", |path| {
            let other = path.with_extension("other");
            std::fs::write(&other, some_bytes(2001)).expect("another");
            std::fs::rename(&other, path).expect("replaced");
        }),
    ];
    for (how, change) in changes {
        for repository in REPOSITORIES {
            // In parts, after the first one, and in one request, in the middle. The second file is large enough for the
            // change to happen before all of it is sent.
            for (length, multipart_above) in [(1 << 20, 1 << 19), (20 << 20, 1 << 30)] {
                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("a.bin");
                std::fs::write(&path, vec![7; length as usize]).expect("a file");
                let storage = Storage::start().await;
                let policy = Storage::policy().parallel_parts(1).part_size(1 << 18).multipart_above(multipart_above);
                let policy = policy.repository(repository).fallback(Repository::Gcs);
                let client = storage.builder().uploads(policy).build().expect("a client");
                let (changed, at) = (AtomicBool::new(false), path.clone());
                let upload = client.storage().upload(FileInput::path(&path)).on_progress(move |progress| {
                    if progress.bytes > 0 && !changed.swap(true, Ordering::Relaxed) {
                        change(&at);
                    }
                });
                let error = upload.await.expect_err(how);
                assert_eq!(error.kind(), ErrorKind::File, "{how}: {error}");
                assert!(error.to_string().contains("a.bin"), "{how}: {error}");
                assert_eq!(storage.files(), 0, "{how}");
                assert!(!storage.labels().contains(&"complete".to_owned()), "{how}");
                // The fallback must not be tried.
                let elsewhere = repository == Repository::Cdn && storage.labels().contains(&"initiate".to_owned());
                assert!(!elsewhere, "{how}: {:?}", storage.labels());
            }
        }
    }
}

#[tokio::test]
async fn extreme_limits_are_accepted() {
    let storage = Storage::start().await;
    let endless = Duration::MAX;
    let client = storage.builder().response_timeout(endless).idle_timeout(endless).build().expect("a client");
    let policy = Storage::policy().multipart_above(u64::MAX).part_size(u64::MAX).parallel_parts(usize::MAX);
    let bytes: &'static [u8] = some_bytes(3000).leak();
    for file in [FileInput::bytes(bytes, "a/b"), FileInput::reader(bytes, None), FileInput::reader(bytes, 3000)] {
        let uploaded = client.storage().upload(file).policy(policy.clone()).await.expect("uploaded");
        assert_eq!(storage.file(&uploaded.url).expect("a file").bytes, bytes);
    }
    let policy = Storage::policy().part_size(0).parallel_parts(0).multipart_above(0).parallel_files(0);
    let uploaded =
        client.storage().upload(FileInput::bytes(&b"abc"[..], "a/b")).policy(policy).await.expect("uploaded");
    assert_eq!(storage.file(&uploaded.url).expect("a file").bytes, b"abc");
}

#[tokio::test]
async fn progress_increases_up_to_the_length_despite_retries() {
    for (length, is_known, label) in [
        (0, true, "upload"),
        // More than the buffers of a connection hold, so that progress is reported before the end.
        (16 << 20, true, "upload"),
        (5000, true, "part 3"),
        (5000, true, "complete"),
        (300, false, "upload"),
        (900, false, "part 2"),
        (5000, false, "complete"),
    ] {
        for faults in [0, 3] {
            let storage = Storage::start().await;
            let client = storage.builder().build().expect("a client");
            (0..faults).for_each(|_| storage.inject_fault(label, Fault::Instead(Reply::json(500, "{}"))));
            let bytes: &'static [u8] = vec![7; length].leak();
            let file = if is_known { FileInput::bytes(bytes, "a/b") } else { FileInput::reader(bytes, None) };
            // The client reads one part ahead, and knows the length of a shorter reader.
            let total = (is_known || length < 400).then_some(length as u64);
            let policy = Storage::policy().multipart_above(if label == "upload" { 16 << 20 } else { 1000 });
            let mut progress = Vec::new();
            let upload = client.storage().upload(file).policy(policy);
            upload.on_progress(|update| progress.push(update)).await.expect("uploaded");
            let case = format!("{length} {label} {faults}: {progress:?}");
            assert!(progress.iter().all(|progress| progress.total == total), "{case}");
            assert!(progress.is_sorted_by(|one, next| one.bytes < next.bytes), "{case}");
            assert_eq!(progress.last().map(|progress| progress.bytes), Some(length as u64), "{case}");
        }
    }
}

/// A multipart upload without a part could not be completed.
#[tokio::test]
async fn an_empty_file_goes_in_one_request() {
    for repository in [Repository::Cdn, Repository::Signed, Repository::Gcs] {
        let empty: &[u8] = &[];
        for file in [FileInput::bytes(empty, "a/b"), FileInput::reader(empty, Some(0)), FileInput::reader(empty, None)]
        {
            let storage = Storage::start().await;
            let policy = Storage::policy().multipart_above(0).repository(repository);
            let client = storage.builder().uploads(policy).build().expect("a client");
            let uploaded = client.storage().upload(file).await.expect("uploaded");
            assert_eq!(storage.file(&uploaded.url).expect("a file").bytes.len(), 0);
            assert_eq!(storage.labels().len(), 2, "{repository:?} {:?}", storage.labels());
        }
    }
}

#[tokio::test]
async fn the_fallback_takes_files_that_the_repository_refuses() {
    let refusal = || Reply::json(400, r#"{"detail":"not here"}"#);
    for (kind, length) in [("token", 10), ("upload", 10), ("create", 1001), ("part 2", 1001), ("complete", 1001)] {
        let storage = Storage::start().await;
        let policy = Storage::policy().parallel_parts(1).fallback(Repository::Gcs);
        let client = storage.builder().uploads(policy).build().expect("a client");
        storage.inject_fault(kind, Fault::Instead(refusal()));
        let bytes = some_bytes(length);
        let lifecycle = Lifecycle::expires_immediately();
        let upload = client.storage().upload(FileInput::bytes(bytes.clone(), "a/b")).lifecycle(lifecycle);
        let mut last = 0;
        let uploaded = upload.on_progress(|progress| last = progress.bytes).await.expect("uploaded");
        let kept = storage.file(&uploaded.url).expect("a file");
        assert_eq!(hash(&kept.bytes), hash(&bytes));
        assert_eq!(kept.lifecycle.as_deref(), Some(r#"{"expiration_duration_seconds":60}"#));
        assert_eq!(last, length as u64, "{kind}");
        let initiated = storage.seen("initiate").line();
        assert!(initiated.ends_with("?storage_type=gcs"), "{kind}: {initiated}");
    }

    // In the other direction.
    let storage = Storage::start().await;
    let policy = Storage::policy().repository(Repository::Gcs).fallback(Repository::Cdn);
    let client = storage.builder().uploads(policy).build().expect("a client");
    storage.inject_fault("put", Fault::Instead(refusal()));
    client.storage().upload(FileInput::bytes(vec![1], "a/b")).await.expect("uploaded");
    assert_eq!(storage.labels(), ["initiate", "put", "token", "upload"]);
    assert!(storage.seen("initiate").line().ends_with("?storage_type=gcs"));

    // The repository itself is not tried again as its fallback.
    let storage = Storage::start().await;
    let client = storage.builder().uploads(Storage::policy().fallback(Repository::Cdn)).build().expect("a client");
    storage.inject_fault("upload", Fault::Instead(refusal()));
    client.storage().upload(FileInput::bytes(vec![1], "a/b")).await.expect_err("refused");
    assert_eq!(storage.labels(), ["token", "upload"]);

    // If the fallback refuses it as well, the first error is returned, and names the second.
    let storage = Storage::start().await;
    let client = storage.builder().uploads(Storage::policy().fallback(Repository::Gcs)).build().expect("a client");
    storage.inject_fault("upload", Fault::Instead(refusal()));
    storage.inject_fault("initiate", Fault::Instead(Reply::json(400, r#"{"detail":"nor here"}"#)));
    let error = client.storage().upload(FileInput::bytes(vec![1], "a/b")).await.expect_err("refused twice");
    assert_eq!((error.status().map(|status| status.as_u16()), error.attempts().len()), (Some(400), 2));
    let message = error.to_string();
    let (first, second) = message.split_once("; the fallback, fal's storage at Google, failed too: ").expect("both");
    assert!(first.ends_with("returned 400 Bad Request: not here"), "{error}");
    assert!(second.starts_with("fal returned 400 Bad Request: nor here"), "{error}");

    // Long and hostile words of both are cut and escaped.
    let words = format!("\u{1b}[2J{}", "long ".repeat(2000));
    let reply = Reply::json(400, &serde_json::json!({ "detail": words }).to_string());
    storage.inject_fault("upload", Fault::Instead(reply.clone()));
    storage.inject_fault("initiate", Fault::Instead(reply));
    let error = client.storage().upload(FileInput::bytes(vec![1], "a/b")).await.expect_err("refused twice");
    let message = error.to_string();
    assert!(message.len() < 2200 && message.contains("the fallback, fal's storage at Google"), "{message}");
    assert!(!message.contains('\u{1b}'), "{message:?}");

    // A reader can only be sent elsewhere while none of its data has been consumed.
    storage.inject_fault("create", Fault::Instead(refusal()));
    let file = FileInput::reader(&*some_bytes(3000).leak(), None);
    client.storage().upload(file).await.expect("nothing consumed");
    let before = storage.labels().len();
    storage.inject_fault("part 2", Fault::Instead(refusal()));
    let file = FileInput::reader(&*some_bytes(3000).leak(), None);
    let error = client.storage().upload(file).await.expect_err("refused twice");
    assert!(error.to_string().contains("not here"), "{error}");
    assert!(!storage.labels()[before..].contains(&"initiate".to_owned()));
}

#[tokio::test]
async fn untrusted_upload_urls_are_rejected() {
    let storage = Storage::start().await;
    let client = storage.builder().build().expect("a client");
    let script = |label: &str, body: serde_json::Value| {
        storage.inject_fault(label, Fault::Instead(Reply::json(200, &body.to_string())));
    };
    let upload = |length: usize, repository: Repository| {
        client.storage().upload(FileInput::bytes(some_bytes(length), "a/b")).repository(repository).send()
    };

    for evil in ["https://evil.example", "http://v3.fal.media", "https://fal.media.evil.example", "nonsense"] {
        script(
            "token",
            json!({ "token": "T", "token_type": "Bearer", "base_url": evil, "expires_at": "2999-01-01T00:00:00Z" }),
        );
        let error = upload(10, Repository::Cdn).await.expect_err(evil);
        assert_eq!(error.kind(), ErrorKind::UntrustedUrl, "{error}");
    }
    for evil in ["https://evil.example/files/x", "http://127.0.0.1:1/x"] {
        script("create", json!({ "access_url": evil, "uploadId": "U" }));
        let error = upload(2000, Repository::Cdn).await.expect_err(evil);
        assert_eq!(error.kind(), ErrorKind::UntrustedUrl, "{error}");
    }
    script("initiate", json!({ "upload_url": "ftp://evil.example/x", "file_url": "https://x.y/z" }));
    let error = upload(10, Repository::Signed).await.expect_err("ftp");
    assert_eq!(error.kind(), ErrorKind::UntrustedUrl, "{error}");
    // Requests for the URLs of parts have the key.
    script("initiate", json!({ "upload_url": "https://evil.example/x", "file_url": "https://x.y/z" }));
    let error = upload(2000, Repository::Gcs).await.expect_err("evil");
    assert_eq!(error.kind(), ErrorKind::UntrustedUrl, "{error}");
}

#[tokio::test]
async fn an_unexpected_response_is_kept_in_the_error() {
    for (repository, length, label) in [
        (Repository::Cdn, 10, "token"),
        (Repository::Cdn, 10, "upload"),
        (Repository::Cdn, 2000, "create"),
        (Repository::Signed, 10, "initiate"),
        (Repository::Signed, 2000, "initiate"),
        (Repository::Gcs, 2000, "sign 1"),
    ] {
        let storage = Storage::start().await;
        let client = storage.builder().build().expect("a client");
        storage.inject_fault(label, Fault::Instead(Reply::text(200, "text/html", "<p>hello")));
        let upload = client.storage().upload(FileInput::bytes(some_bytes(length), "a/b")).repository(repository);
        let error = upload.await.expect_err(label);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{label}: {error}");
        assert_eq!(error.body().map(|body| &body[..]), Some(&b"<p>hello"[..]), "{label}");
    }
}

#[tokio::test]
async fn file_urls_are_signed_and_acls_read_and_set() {
    let server = Server::start(|_, seen| match (seen.method.as_str(), label(seen).as_str()) {
        ("POST", _) => Reply::json(200, r#"{"signed_url":"https://v3.fal.media/files/b/a/x.png?sig=1"}"#),
        ("PUT", _) => Reply::json(200, r#"{"default":"hide","rules":[]}"#),
        _ => Reply::json(200, r#"{"default":"forbid","rules":[{"user":"u","decision":"allow"}],"more":1}"#),
    })
    .await;
    let client = server.builder().api_host(format!("{}/api", server.base())).build().expect("a client");
    let storage = client.storage();
    let url = "https://v3.fal.media/files/b/a/x.png?sig=0#part";
    let signed = storage.sign(url, Duration::from_secs(3600)).await.expect("a URL");
    assert_eq!(signed, "https://v3.fal.media/files/b/a/x.png?sig=1");
    let acl = storage.acl(url).await.expect("access");
    assert_eq!(acl, fal_client::Acl::new(Access::Forbid).allow("u"));
    let applied = storage.set_acl(url, &fal_client::Acl::new(Access::Hide).allow("u2")).await.expect("access");
    assert_eq!(applied, fal_client::Acl::new(Access::Hide));
    let query = "url=https%3A%2F%2Fv3.fal.media%2Ffiles%2Fb%2Fa%2Fx.png";
    assert_eq!(
        server.lines(),
        [
            format!("POST /api/v1/storage/files/sign?{query}"),
            format!("GET /api/v1/storage/files/acl?{query}"),
            format!("PUT /api/v1/storage/files/acl?{query}"),
        ]
    );
    let seen = server.seen();
    assert_eq!(seen[0].json(), json!({ "expiration_seconds": 3600 }));
    assert_eq!(seen[2].json(), json!({ "default": "hide", "rules": [{ "user": "u2", "decision": "allow" }] }));
    assert!(seen.iter().all(|seen| seen.header("authorization") == Some(&*format!("Key {KEY}"))));
    assert_eq!(seen[2].headers.iter().filter(|(name, _)| name == "content-length").count(), 1);

    for (url, seconds) in [(url, 0), (url, 7 * 86_400 + 1), ("a.png", 60), ("data:,x", 60)] {
        let error = storage.sign(url, Duration::from_secs(seconds)).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    let error = storage.set_acl(url, &fal_client::Acl::default().allow("u")).await.expect_err("without a default");
    assert_eq!((error.kind(), server.seen().len()), (ErrorKind::InvalidInput, 3));

    // From the environment.
    let vars = |name: &str| (name == "FAL_API_HOST").then(|| format!("{}/other", server.base()));
    let client = server.builder().env_from(vars).build().expect("a client");
    client.storage().acl(url).await.expect("access");
    assert_eq!(server.lines()[3], format!("GET /other/v1/storage/files/acl?{query}"));
}

#[tokio::test]
async fn a_configured_cdn_host_overrides_that_of_the_token() {
    let storage = Storage::start().await;
    let vars = |name: &str| (name == "FAL_CDN_V3_HOST").then(|| format!("{}/cdn", storage.base()));
    let client = storage.builder().env_from(vars).build().expect("a client");
    let elsewhere = json!({ "token": "T", "token_type": "Bearer", "base_url": "https://evil.example" });
    storage.inject_fault("token", Fault::After(Reply::json(200, &elsewhere.to_string())));
    // The configured CDN rejects the foreign token, which the client then replaces.
    client.storage().upload(FileInput::bytes(vec![1], "a/b")).await.expect("uploaded");
    assert_eq!(storage.labels(), ["token", "upload", "token", "upload"]);
}

#[tokio::test]
async fn every_response_of_the_storage_is_limited() {
    for (repository, length, labels) in [
        (Repository::Cdn, 10, &["token", "upload"][..]),
        (Repository::Cdn, 2000, &["token", "create", "part 1", "part 5", "complete"]),
        (Repository::Signed, 10, &["initiate", "put"]),
        (Repository::Signed, 2000, &["initiate", "part 2", "complete"]),
        (Repository::Gcs, 2000, &["initiate", "sign 3", "part 1", "complete"]),
    ] {
        for label in labels {
            let storage = Storage::start().await;
            storage.inject_fault(*label, Fault::Instead(Reply::json(200, "{}").torn_of(1 << 40)));
            let client = storage.builder().build().expect("a client");
            let file = FileInput::bytes(some_bytes(length), "a/b");
            let error = client.storage().upload(file).repository(repository).await.expect_err("too large");
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{repository:?} {label}: {error}");
            assert!(error.to_string().contains("limit of 16777216 bytes"), "{repository:?} {label}: {error}");
            assert_eq!(storage.files(), 0, "{repository:?} {label}");
        }
    }
}
