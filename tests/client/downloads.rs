//! Downloads: complete or not at all, and without the key.

use std::collections::HashSet;

use fal_client::{ErrorKind, Image};

use crate::support::server::{Reply, Server};

#[tokio::test]
async fn a_file_is_saved_only_when_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    let server = Server::start(|number, _| match number {
        0 => Reply::text(200, "image/png", "half of").torn(),
        1 => Reply::text(200, "image/png", "the picture"),
        _ => Reply::text(302, "text/plain", "").header("location", "/elsewhere/../3"),
    })
    .await;
    let (client, image) = (server.client(), Image::new(format!("{}/files/a.png", server.base())));
    let error = client.download(&image, &path).await.expect_err("torn");
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);

    assert_eq!(client.download(&image, &path).await.expect("saved"), path);
    assert_eq!(std::fs::read(&path).expect("a file"), b"the picture");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn an_existing_file_is_kept_unless_overwrite_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"mine").expect("a file");
    let server = Server::start(|_, _| Reply::text(200, "image/png", "new")).await;
    let url = format!("{}/a.png", server.base());
    let error = server.client().download(&url, &path).await.expect_err("kept");
    assert!(error.to_string().contains("a.png already exists"), "{error}");
    assert_eq!((std::fs::read(&path).expect("a file"), server.seen().len()), (b"mine".to_vec(), 0));
    server.client().download(&url, &path).overwrite(true).await.expect("saved");
    assert_eq!(std::fs::read(&path).expect("a file"), b"new");
}

#[tokio::test]
async fn a_missing_folder_is_an_error_before_anything_is_requested() {
    let server = Server::start(|_, _| Reply::text(200, "image/png", "abc")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("{}/fox.png", server.base());
    let error = server.client().download(url, folder.path().join("images/fox.png")).await.expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().ends_with("images does not exist"), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn redirects_of_media_hosts_are_followed_up_to_a_limit() {
    let server = Server::start(|_, seen| match seen.target.as_str() {
        "/a" => Reply::text(302, "text/plain", "").header("location", "/b"),
        "/b" => Reply::text(200, "text/plain", "here"),
        _ => Reply::text(302, "text/plain", "").header("location", "/round"),
    })
    .await;
    let bytes = server.client().download_bytes(format!("{}/a", server.base())).await.expect("bytes");
    assert_eq!(&bytes[..], b"here");
    let error =
        server.client().download_bytes(format!("{}/round", server.base())).await.expect_err("endless redirects");
    assert!(error.to_string().contains("redirect to /round"), "{error}");
}

#[tokio::test]
async fn data_uris_are_decoded_and_invalid_urls_are_rejected() {
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    let bytes = client.download_bytes("data:image/png;base64,YWJj").await.expect("bytes");
    assert_eq!(&bytes[..], b"abc");
    let output = serde_json::json!({ "images": [{ "url": "data:,a" }], "text": "data:,b", "none": 3 });
    assert_eq!(client.download_bytes(&output["images"][0]).await.expect("bytes"), "a");
    assert_eq!(client.download_bytes(&output["text"]).await.expect("bytes"), "b");
    client.download_bytes(&output["none"]).await.expect_err("not a URL");
    for url in ["", "a.png", "file:///etc/passwd", "ftp://a.b/c", "data:image/png"] {
        let error = client.download_bytes(url).await.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{url}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    for path in [folder.path().join("no/such/folder/a.png"), folder.path().join("..")] {
        let error = client.download("data:,x", &path).overwrite(true).await.expect_err("an invalid path");
        assert_eq!(error.kind(), ErrorKind::File, "{error}");
    }
}

#[tokio::test]
async fn redirects_are_followed_only_to_web_urls_and_without_the_key() {
    let elsewhere = Server::start(|_, _| Reply::text(200, "text/plain", "here")).await;
    let target = format!("{}/b?signature=1", elsewhere.base());
    let server = Server::start(move |_, seen| {
        let target = match seen.target.as_str() {
            "/a" => &target,
            "/file" => "file:///etc/passwd?signature=1",
            "/data" => "data:,x",
            _ => "ftp://a.b/c",
        };
        Reply::text(307, "text/plain", "").header("location", target)
    })
    .await;
    let client = server.client();
    assert_eq!(client.download_bytes(format!("{}/a", server.base())).await.expect("bytes"), "here");
    for path in ["file", "data", "ftp"] {
        let error = client.download_bytes(format!("{}/{path}", server.base())).await.expect_err(path);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{error}");
        assert!(error.to_string().contains("is not followed") && !error.to_string().contains("signature"), "{error}");
    }
    // No part of any request has the key.
    for seen in server.seen().iter().chain(&elsewhere.seen()) {
        let all = format!("{seen:?}");
        assert!(!all.contains("authorization") && !all.contains("secret-of-key"), "{all}");
    }
    assert_eq!((server.seen().len(), elsewhere.seen().len()), (4, 1));
}

#[tokio::test]
async fn an_error_names_the_host_and_reads_a_bounded_body() {
    // The body never ends.
    let server = Server::start(|_, _| Reply::text(403, "text/plain", &"no ".repeat(1 << 20)).stalled()).await;
    let client = server.builder().retry(fal_client::RetryPolicy::none()).build().expect("a client");
    let error = client.download_bytes(format!("{}/a", server.base())).await.expect_err("refused");
    assert!(error.to_string().starts_with("127.0.0.1 returned 403 Forbidden: no no"), "{error}");
    assert_eq!(error.body().map(|body| body.len()), Some(64 << 10));
}

const BODY: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// Sends the first bytes of the body and breaks the connection.
fn half(bytes: usize) -> Reply {
    Reply::text(200, "text/plain", &BODY[..bytes]).torn_of(BODY.len())
}

/// Sends the rest of the body from an offset.
fn rest(from: usize) -> Reply {
    let range = format!("bytes {from}-{}/{}", BODY.len() - 1, BODY.len());
    Reply::text(206, "text/plain", &BODY[from..]).header("content-range", &range)
}

fn whole() -> Reply {
    Reply::text(200, "text/plain", BODY)
}

/// Downloads from a host that sends these replies in order. Returns the body and the requested ranges.
async fn download(replies: Vec<Reply>) -> (Result<String, fal_client::Error>, Vec<Option<String>>) {
    let server = Server::start(move |number, _| replies[number.min(replies.len() - 1)].clone()).await;
    let bytes = server.client().download_bytes(format!("{}/a.txt", server.base())).await;
    let ranges = server.seen().into_iter().map(|seen| {
        let (range, condition) = (seen.header("range")?, seen.header("if-range")?);
        Some(format!("{range} if {condition}"))
    });
    (bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), ranges.collect())
}

#[tokio::test]
async fn a_broken_transfer_resumes_at_the_break() {
    let tagged = |reply: Reply| reply.header("etag", "\"v1\"");
    let dated = |reply: Reply| reply.header("last-modified", "Tue, 24 Nov 2026 00:00:00 GMT");
    let v1 = |from: usize| Some(format!("bytes={from}- if \"v1\""));
    type Case = (&'static str, Vec<Reply>, Vec<Option<String>>);
    let cases: Vec<Case> = vec![
        ("by ETag", vec![tagged(half(10)), tagged(rest(10))], vec![None, v1(10)]),
        (
            "twice",
            vec![tagged(half(10)), tagged(rest(10).cut(5).torn_of(26)), tagged(rest(15))],
            vec![None, v1(10), v1(15)],
        ),
        (
            "by date",
            vec![dated(half(3)), dated(rest(3))],
            vec![None, Some("bytes=3- if Tue, 24 Nov 2026 00:00:00 GMT".to_owned())],
        ),
        (
            "by date if the ETag is weak",
            vec![dated(half(3).header("etag", "W/\"v1\"")), dated(rest(3))],
            vec![None, Some("bytes=3- if Tue, 24 Nov 2026 00:00:00 GMT".to_owned())],
        ),
        (
            "any number of times while each attempt makes progress",
            (0..36)
                .map(|from| tagged(if from == 0 { half(1) } else { rest(from).cut(1).torn_of(36 - from) }))
                .collect(),
            (0..36).map(|from| if from == 0 { None } else { v1(from) }).collect(),
        ),
        ("the host restarts", vec![tagged(half(10)), tagged(whole())], vec![None, v1(10)]),
        (
            "the host restarts and breaks again",
            vec![tagged(half(10)), tagged(half(20)), tagged(half(5)), tagged(rest(20))],
            vec![None, v1(10), v1(20), v1(20)],
        ),
        (
            "after a 503",
            vec![tagged(half(10)), Reply::text(503, "text/plain", ""), tagged(rest(10))],
            vec![None, v1(10), v1(10)],
        ),
        ("before the first byte", vec![half(0), whole()], vec![None, None]),
        (
            "the host sends less than the rest",
            vec![
                tagged(half(10)),
                tagged(Reply::text(206, "text/plain", &BODY[10..20]).header("content-range", "bytes 10-19/36")),
                tagged(rest(20)),
            ],
            vec![None, v1(10), v1(20)],
        ),
        (
            "the host sends less than the rest of an unknown length",
            vec![
                tagged(Reply::text(200, "text/plain", "a\r\n0123456789\r\n"))
                    .header("transfer-encoding", "chunked")
                    .unannounced(),
                tagged(Reply::text(206, "text/plain", &BODY[10..20]).header("content-range", "bytes 10-19/36")),
                tagged(rest(20)),
            ],
            vec![None, v1(10), v1(20)],
        ),
        (
            "the rest has no ETag",
            vec![tagged(half(10)), rest(10).header("last-modified", "Tue, 24 Nov 2026 00:00:00 GMT")],
            vec![None, v1(10)],
        ),
        ("explicitly not compressed", vec![whole().header("content-encoding", "identity")], vec![None]),
        (
            "after failed attempts",
            vec![Reply::dropped(), Reply::text(500, "text/plain", ""), whole()],
            vec![None, None, None],
        ),
    ];
    for (name, replies, requested) in cases {
        let (bytes, ranges) = download(replies).await;
        assert_eq!(bytes.expect(name), BODY, "{name}");
        assert_eq!(ranges, requested, "{name}");
    }
}

#[tokio::test]
async fn a_transfer_that_cannot_resume_fails() {
    let tagged = |reply: Reply, tag: &str| reply.header("etag", tag);
    let v1 = |reply: Reply| tagged(reply, "\"v1\"");
    for (name, replies, kind, requests) in [
        ("no ETag and no date", vec![half(10), whole()], ErrorKind::Transport, 1),
        ("only a weak ETag", vec![tagged(half(10), "W/\"v1\""), whole()], ErrorKind::Transport, 1),
        ("the file was changed", vec![v1(half(10)), tagged(whole(), "\"v2\"")], ErrorKind::UnexpectedResponse, 2),
        ("the host sends too much", vec![v1(half(10)), v1(rest(10).and("more"))], ErrorKind::UnexpectedResponse, 2),
        ("the range overlaps", vec![v1(half(10)), v1(rest(9))], ErrorKind::UnexpectedResponse, 2),
        ("the range has a gap", vec![v1(half(10)), v1(rest(11))], ErrorKind::UnexpectedResponse, 2),
        ("no content range", vec![v1(half(10)), Reply::text(206, "a/b", "x")], ErrorKind::UnexpectedResponse, 2),
        ("the file was deleted", vec![v1(half(10)), Reply::text(404, "a/b", "")], ErrorKind::Service, 2),
        ("the file was truncated", vec![v1(half(10)), Reply::text(416, "a/b", "")], ErrorKind::Service, 2),
        (
            "the file was changed and the host ignores the condition",
            vec![v1(half(10)), tagged(rest(10), "\"v2\"")],
            ErrorKind::UnexpectedResponse,
            2,
        ),
        (
            "the total length was changed",
            vec![v1(half(10)), v1(Reply::text(206, "a/b", &BODY[10..]).header("content-range", "bytes 10-35/99"))],
            ErrorKind::UnexpectedResponse,
            2,
        ),
        ("the host restarts without an ETag", vec![v1(half(10)), whole()], ErrorKind::UnexpectedResponse, 2),
        (
            "202 in place of the rest",
            vec![v1(half(10)), v1(Reply::text(202, "a/b", "x"))],
            ErrorKind::UnexpectedResponse,
            2,
        ),
        (
            "the host compresses the rest",
            vec![v1(half(10)), v1(rest(10)).header("content-encoding", "br")],
            ErrorKind::UnexpectedResponse,
            2,
        ),
        ("the host compresses", vec![whole().header("content-encoding", "gzip")], ErrorKind::UnexpectedResponse, 1),
        ("an unrequested range", vec![rest(10)], ErrorKind::UnexpectedResponse, 1),
        ("204", vec![Reply::text(204, "a/b", "").unannounced()], ErrorKind::UnexpectedResponse, 1),
        ("no more progress", vec![v1(half(10)), v1(rest(10).cut(0).torn_of(26))], ErrorKind::Transport, 5),
        ("404 for longer than a new file is missing", vec![Reply::text(404, "a/b", "")], ErrorKind::Service, 4),
        ("503 on every attempt", vec![Reply::text(503, "a/b", "")], ErrorKind::Service, 5),
    ] {
        let (bytes, ranges) = download(replies).await;
        assert_eq!(bytes.expect_err(name).kind(), kind, "{name}");
        assert_eq!(ranges.len(), requests, "{name}");
    }
}

#[tokio::test]
async fn files_above_max_bytes_are_rejected() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    for reply in [whole(), whole().unannounced()] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let (client, url) = (server.client(), format!("{}/a.txt", server.base()));
        for (max_bytes, fits) in [(36, true), (35, false), (0, false)] {
            assert_eq!(client.download_bytes(&url).max_bytes(max_bytes).await.is_ok(), fits, "{max_bytes}");
            let saved = client.download(&url, &path).max_bytes(max_bytes).overwrite(true).await;
            assert_eq!(saved.is_ok(), fits, "{max_bytes}");
            let mut written = Vec::new();
            match client.download_to(&url, &mut written).max_bytes(max_bytes).await {
                Ok(length) => assert_eq!((length, &written[..], fits), (36, BODY.as_bytes(), true)),
                Err(error) => assert!(!fits && error.kind() == ErrorKind::File && written.len() <= 36, "{error}"),
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    assert!(client.download_bytes("data:,abc").max_bytes(2).await.is_err());
}

#[tokio::test]
async fn progress_is_reported_and_a_failing_writer_is_an_error() {
    let server = Server::start(|_, _| whole()).await;
    let (client, url) = (server.client(), format!("{}/a.txt", server.base()));
    let mut reported = Vec::new();
    client.download_bytes(&url).on_progress(|progress| reported.push(progress)).await.expect("bytes");
    assert!(reported.iter().all(|progress| progress.total == Some(36)), "{reported:?}");
    assert_eq!(reported.last().map(|progress| progress.bytes), Some(36));

    let mut small = [0; 10];
    let error = client.download_to(&url, std::io::Cursor::new(&mut small[..])).await.expect_err("too small");
    assert_eq!(error.kind(), ErrorKind::File, "{error}");
}

#[tokio::test]
async fn parallel_downloads_to_one_path_keep_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    let server = Server::start(|number, _| Reply::text(200, "text/plain", &number.to_string())).await;
    let (client, url) = (server.client(), format!("{}/a.txt", server.base()));
    let downloads = (0..8).map(|_| client.download(&url, &path).send());
    let done = futures_util::future::join_all(downloads).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
    for error in done.into_iter().filter_map(Result::err) {
        assert!(error.to_string().contains("already exists"), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[tokio::test]
async fn parallel_downloads_that_overwrite_leave_one_complete_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    let server = Server::start(|number, _| Reply::text(200, "text/plain", &number.to_string().repeat(1 << 20))).await;
    let (client, url) = (server.client(), format!("{}/a.txt", server.base()));
    let downloads = (0..4).map(|_| client.download(&url, &path).overwrite(true).send());
    for done in futures_util::future::join_all(downloads).await {
        done.expect("saved");
    }
    let saved = std::fs::read(&path).expect("a file");
    assert!(saved.len() == 1 << 20 && saved.iter().all(|byte| *byte == saved[0]));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[tokio::test]
async fn a_dropped_download_leaves_no_file() {
    let files = |folder: &tempfile::TempDir| std::fs::read_dir(folder.path()).expect("a folder").count();
    // Enough that some of it is written before the stall.
    let server = Server::start(|_, _| Reply::text(200, "a/b", &"x".repeat(3 << 20)).stalled()).await;
    let (client, url) = (server.client(), format!("{}/a.bin", server.base()));
    let (one, many) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    {
        let mut single = client.download(&url, one.path().join("a.bin")).send();
        let mut several = client.download_all([&url, &url, &url], many.path()).send();
        while files(&one) < 1 || files(&many) < 3 {
            tokio::select! {
                biased;
                done = &mut single => panic!("{done:?}"),
                done = &mut several => panic!("{done:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    // A write in progress ends before its file is removed.
    while files(&one) + files(&many) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_failed_transfer_leaves_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let large = "x".repeat(2 << 20);
    let server = Server::start(move |_, seen| match seen.target.as_str() {
        "/torn" => Reply::text(200, "a/b", &large).torn(),
        _ => Reply::text(200, "a/b", &large).unannounced(),
    })
    .await;
    let (client, path) = (server.client(), folder.path().join("a.bin"));
    // The connection breaks during a write.
    for _ in 0..10 {
        let error = client.download(format!("{}/torn", server.base()), &path).await.expect_err("torn");
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
    let error = client.download(format!("{}/long", server.base()), &path).max_bytes(1 << 20).await.expect_err("long");
    assert_eq!(error.kind(), ErrorKind::File, "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[tokio::test]
async fn any_valid_file_name_is_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    let long = format!("{}.png", "x".repeat(251));
    let mut names = vec![long.as_str(), "狐 zoë.png", "no extension", ".hidden", "a.b.c"];
    if cfg!(unix) {
        names.extend(["a\"b'c.png", "a\nb.png", "a\\b.png"]);
    }
    for name in names {
        let path = folder.path().join(name);
        assert_eq!(client.download("data:,x", &path).await.expect(name), path);
        assert_eq!(std::fs::read(&path).expect(name), b"x");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_regular_files_are_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    let (pipe, inner) = (folder.path().join("pipe.txt"), folder.path().join("folder.txt"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    std::fs::create_dir(&inner).expect("a folder");
    for (path, words) in [(&pipe, "is not a regular file"), (&inner, "is a folder")] {
        for overwrite in [false, true] {
            let error = client.download("data:,x", path).overwrite(overwrite).await.expect_err(words);
            assert_eq!(error.kind(), ErrorKind::File);
            assert!(error.to_string().contains(words) && error.to_string().contains("download_to"), "{error}");
        }
    }
    let server = Server::start(|_, _| Reply::text(200, "text/plain", "x")).await;
    let urls = ["pipe.txt", "folder.txt", "new.txt"].map(|name| format!("{}/{name}", server.base()));
    let saved = server.client().download_all(&urls, folder.path()).overwrite(true).await.expect("saved");
    let names = ["pipe-2.txt", "folder-2.txt", "new.txt"];
    assert_eq!(saved, names.map(|name| folder.path().join(name)));
}

/// Not even root can create files in these folders.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_error_of_an_unwritable_path_names_the_path() {
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    let large = format!("data:,{}", "x".repeat(2 << 20));
    for url in ["data:,x", &large] {
        let error = client.download(url, "/proc/a.txt").await.expect_err("unwritable");
        assert_eq!(error.kind(), ErrorKind::File);
        assert!(error.to_string().contains("cannot write /proc/a.txt"), "{error}");
        let error = client.download_all([url], "/proc/a/b").await.expect_err("unwritable");
        assert!(error.to_string().contains("cannot create the folder /proc/a/b"), "{error}");
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = client.download_all(["data:,x"], file.path()).await.expect_err("a file");
    assert!(error.to_string().contains("cannot create the folder"), "{error}");
}

#[tokio::test]
async fn downloads_into_a_folder_get_distinct_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("new/folder");
    let server = Server::start(|_, seen| Reply::text(200, "image/png", &seen.target)).await;
    let (client, base) = (server.client(), server.base().to_owned());
    let image = |path: &str, name: Option<&str>| {
        let mut image = Image::new(format!("{base}{path}"));
        image.file_name = name.map(str::to_owned);
        image
    };
    let images = [
        image("/1/a.png", None),
        image("/2/a.png", None),
        image("/3/A.PNG", None),
        image("/4/b", Some("../../c.png")),
        image("/5/d", None),
        image("/6/", None),
        image("/7/a.png", Some("a-2.png")),
        image("/%2e%2e%2f%2e%2e%5cnul.png", None),
    ];
    let saved = client.download_all(&images, &into).await.expect("saved");
    let names = saved.iter().map(|path| path.strip_prefix(&into).expect("in the folder").to_str().expect("text"));
    let names: Vec<String> = names.map(str::to_lowercase).collect();
    assert_eq!(names[3..6], ["c.png", "d.png", "file.png"]);
    assert_eq!(names[7], "_nul.png");
    // The first to arrive gets the name that several of them prefer.
    let distinct: HashSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), images.len(), "{names:?}");
    for (path, image) in saved.iter().zip(&images) {
        let target = image.url.strip_prefix(&base).expect("a path");
        assert_eq!(std::fs::read_to_string(path).expect("a file"), target);
    }
    assert_eq!(std::fs::read_dir(&into).expect("a folder").count(), images.len());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);

    // Existing files are kept unless `overwrite` is set.
    let again = client.download_all(&images[..1], &into).parallel_files(1).await.expect("saved");
    assert!(!saved.contains(&again[0]), "{again:?}");
    client.download_all([format!("{base}/8/a.png")], &into).overwrite(true).await.expect("saved");
    assert_eq!(std::fs::read_to_string(into.join("a.png")).expect("a file"), "/8/a.png");
    assert_eq!(
        client.download_all(Vec::<String>::new(), &into).await.expect("nothing"),
        Vec::<std::path::PathBuf>::new()
    );
}

#[tokio::test]
async fn files_are_downloaded_in_parallel_up_to_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_, _| Reply::never()).await;
    let urls: Vec<String> = (0..20).map(|number| format!("{}/{number}.png", server.base())).collect();
    for parallel in [1, 3] {
        let before = server.seen().len();
        let mut downloads = server.client().download_all(&urls, folder.path()).parallel_files(parallel).send();
        while server.seen().len() < before + parallel {
            tokio::select! {
                biased;
                done = &mut downloads => panic!("{done:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert_eq!(server.seen().len(), before + parallel);
    }
}

#[tokio::test]
async fn a_failed_file_does_not_stop_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_, seen| match seen.target.as_str() {
        "/2.png" => Reply::text(404, "text/plain", "gone"),
        _ => Reply::text(200, "image/png", "x"),
    })
    .await;
    let urls: Vec<String> = (0..20).map(|number| format!("{}/{number}.png", server.base())).collect();
    let error = server.client().download_all(&urls, folder.path()).parallel_files(3).await.expect_err("one 404");
    assert!(error.to_string().starts_with("1 of 20 downloads failed"), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 19);
}
