//! Downloads: whole or not at all, and without the key.

use std::collections::HashSet;

use fal_client::{ErrorKind, Image};

use crate::support::server::{Reply, Server};

#[tokio::test]
async fn a_file_is_saved_under_its_name_when_all_of_it_is_there() {
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
async fn a_file_that_is_there_is_kept_unless_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"mine").expect("a file");
    let server = Server::start(|_, _| Reply::text(200, "image/png", "new")).await;
    let url = format!("{}/a.png", server.base());
    let error = server.client().download(&url, &path).await.expect_err("kept");
    assert!(error.to_string().contains("a.png exists already"), "{error}");
    assert_eq!((std::fs::read(&path).expect("a file"), server.seen().len()), (b"mine".to_vec(), 0));
    server.client().download(&url, &path).overwrite(true).await.expect("saved");
    assert_eq!(std::fs::read(&path).expect("a file"), b"new");
}

#[tokio::test]
async fn redirects_of_a_media_host_are_followed_and_not_for_ever() {
    let server = Server::start(|_, seen| match seen.target.as_str() {
        "/a" => Reply::text(302, "text/plain", "").header("location", "/b"),
        "/b" => Reply::text(200, "text/plain", "here"),
        _ => Reply::text(302, "text/plain", "").header("location", "/round"),
    })
    .await;
    let bytes = server.client().download_bytes(format!("{}/a", server.base())).await.expect("bytes");
    assert_eq!(&bytes[..], b"here");
    let error = server.client().download_bytes(format!("{}/round", server.base())).await.expect_err("round and round");
    assert!(error.to_string().contains("redirect to /round"), "{error}");
}

#[tokio::test]
async fn data_uris_are_decoded_and_nonsense_is_refused() {
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    let bytes = client.download_bytes("data:image/png;base64,YWJj").await.expect("bytes");
    assert_eq!(&bytes[..], b"abc");
    let output = serde_json::json!({ "images": [{ "url": "data:,a" }], "text": "data:,b", "none": 3 });
    assert_eq!(client.download_bytes(&output["images"][0]).await.expect("bytes"), "a");
    assert_eq!(client.download_bytes(&output["text"]).await.expect("bytes"), "b");
    client.download_bytes(&output["none"]).await.expect_err("no URL");
    for url in ["", "a.png", "file:///etc/passwd", "ftp://a.b/c", "data:image/png"] {
        let error = client.download_bytes(url).await.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{url}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    for path in [folder.path().join("no/such/folder/a.png"), folder.path().join("..")] {
        let error = client.download("data:,x", &path).overwrite(true).await.expect_err("no place for a file");
        assert_eq!(error.kind(), ErrorKind::File, "{error}");
    }
}

#[tokio::test]
async fn a_redirect_leads_nowhere_but_to_the_web_and_takes_no_key_along() {
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
    // Neither key nor anything like it, in whatever was sent.
    for seen in server.seen().iter().chain(&elsewhere.seen()) {
        let all = format!("{seen:?}");
        assert!(!all.contains("authorization") && !all.contains("secret-of-key"), "{all}");
    }
    assert_eq!((server.seen().len(), elsewhere.seen().len()), (4, 1));
}

#[tokio::test]
async fn an_error_says_who_refused_and_reads_no_endless_reason() {
    // Who waited for the end of it would hear nothing more.
    let server = Server::start(|_, _| Reply::text(403, "text/plain", &"no ".repeat(1 << 20)).stalled()).await;
    let client = server.builder().retry(fal_client::RetryPolicy::none()).build().expect("a client");
    let error = client.download_bytes(format!("{}/a", server.base())).await.expect_err("refused");
    assert!(error.to_string().starts_with("127.0.0.1 answered 403 Forbidden: no no"), "{error}");
    assert_eq!(error.body().map(|body| body.len()), Some(64 << 10));
}

const BODY: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// The beginning of the body, after which the connection breaks.
fn half(bytes: usize) -> Reply {
    Reply::text(200, "text/plain", &BODY[..bytes]).torn_of(BODY.len())
}

/// The rest of the body from a byte on.
fn rest(from: usize) -> Reply {
    let range = format!("bytes {from}-{}/{}", BODY.len() - 1, BODY.len());
    Reply::text(206, "text/plain", &BODY[from..]).header("content-range", &range)
}

fn whole() -> Reply {
    Reply::text(200, "text/plain", BODY)
}

/// What a client that gets these answers one after the other has then, and what it asked for.
async fn fetched(replies: Vec<Reply>) -> (Result<String, fal_client::Error>, Vec<Option<String>>) {
    let server = Server::start(move |number, _| replies[number.min(replies.len() - 1)].clone()).await;
    let bytes = server.client().download_bytes(format!("{}/a.txt", server.base())).await;
    let ranges = server.seen().into_iter().map(|seen| {
        let (range, condition) = (seen.header("range")?, seen.header("if-range")?);
        Some(format!("{range} if {condition}"))
    });
    (bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), ranges.collect())
}

#[tokio::test]
async fn a_transfer_that_breaks_goes_on_where_it_broke() {
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
            "a weak ETag does not count, the date does",
            vec![dated(half(3).header("etag", "W/\"v1\"")), dated(rest(3))],
            vec![None, Some("bytes=3- if Tue, 24 Nov 2026 00:00:00 GMT".to_owned())],
        ),
        (
            "as often as it likes, as long as something comes each time",
            (0..36)
                .map(|from| tagged(if from == 0 { half(1) } else { rest(from).cut(1).torn_of(36 - from) }))
                .collect(),
            (0..36).map(|from| if from == 0 { None } else { v1(from) }).collect(),
        ),
        ("the host begins anew", vec![tagged(half(10)), tagged(whole())], vec![None, v1(10)]),
        (
            "the host begins anew, and breaks again",
            vec![tagged(half(10)), tagged(half(20)), tagged(half(5)), tagged(rest(20))],
            vec![None, v1(10), v1(20), v1(20)],
        ),
        (
            "not at once",
            vec![tagged(half(10)), Reply::text(503, "text/plain", ""), tagged(rest(10))],
            vec![None, v1(10), v1(10)],
        ),
        ("before the first byte", vec![half(0), whole()], vec![None, None]),
        (
            "the host gives less than the rest at once",
            vec![
                tagged(half(10)),
                tagged(Reply::text(206, "text/plain", &BODY[10..20]).header("content-range", "bytes 10-19/36")),
                tagged(rest(20)),
            ],
            vec![None, v1(10), v1(20)],
        ),
        (
            "the same, and the length was not known before",
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
            "the rest does not say its version",
            vec![tagged(half(10)), rest(10).header("last-modified", "Tue, 24 Nov 2026 00:00:00 GMT")],
            vec![None, v1(10)],
        ),
        ("not compressed, in so many words", vec![whole().header("content-encoding", "identity")], vec![None]),
        ("not at first", vec![Reply::dropped(), Reply::text(500, "text/plain", ""), whole()], vec![None, None, None]),
    ];
    for (what, replies, asked) in cases {
        let (bytes, ranges) = fetched(replies).await;
        assert_eq!(bytes.expect(what), BODY, "{what}");
        assert_eq!(ranges, asked, "{what}");
    }
}

#[tokio::test]
async fn what_cannot_go_on_is_an_error() {
    let tagged = |reply: Reply, tag: &str| reply.header("etag", tag);
    let v1 = |reply: Reply| tagged(reply, "\"v1\"");
    for (what, replies, kind, requests) in [
        ("nothing names the version", vec![half(10), whole()], ErrorKind::Transport, 1),
        ("only a weak ETag does", vec![tagged(half(10), "W/\"v1\""), whole()], ErrorKind::Transport, 1),
        ("the file was changed", vec![v1(half(10)), tagged(whole(), "\"v2\"")], ErrorKind::UnexpectedResponse, 2),
        ("the host gives too much", vec![v1(half(10)), v1(rest(10).and("more"))], ErrorKind::UnexpectedResponse, 2),
        ("the host goes on elsewhere", vec![v1(half(10)), v1(rest(9))], ErrorKind::UnexpectedResponse, 2),
        ("the host leaves something out", vec![v1(half(10)), v1(rest(11))], ErrorKind::UnexpectedResponse, 2),
        (
            "the host does not say where",
            vec![v1(half(10)), Reply::text(206, "a/b", "x")],
            ErrorKind::UnexpectedResponse,
            2,
        ),
        ("the file is gone", vec![v1(half(10)), Reply::text(404, "a/b", "")], ErrorKind::Service, 2),
        ("the file has become shorter", vec![v1(half(10)), Reply::text(416, "a/b", "")], ErrorKind::Service, 2),
        (
            "the host heeds no condition, and the file was changed",
            vec![v1(half(10)), tagged(rest(10), "\"v2\"")],
            ErrorKind::UnexpectedResponse,
            2,
        ),
        (
            "the file has another length now",
            vec![v1(half(10)), v1(Reply::text(206, "a/b", &BODY[10..]).header("content-range", "bytes 10-35/99"))],
            ErrorKind::UnexpectedResponse,
            2,
        ),
        (
            "the host begins anew and does not say with which version",
            vec![v1(half(10)), whole()],
            ErrorKind::UnexpectedResponse,
            2,
        ),
        (
            "the host has it in work",
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
        ("a part was not asked for", vec![rest(10)], ErrorKind::UnexpectedResponse, 1),
        ("there is no content", vec![Reply::text(204, "a/b", "").unannounced()], ErrorKind::UnexpectedResponse, 1),
        ("nothing more comes", vec![v1(half(10)), v1(rest(10).cut(0).torn_of(26))], ErrorKind::Transport, 5),
        ("it was never there", vec![Reply::text(404, "a/b", "")], ErrorKind::Service, 1),
        ("it is not to be had", vec![Reply::text(503, "a/b", "")], ErrorKind::Service, 5),
    ] {
        let (bytes, ranges) = fetched(replies).await;
        assert_eq!(bytes.expect_err(what).kind(), kind, "{what}");
        assert_eq!(ranges.len(), requests, "{what}");
    }
}

#[tokio::test]
async fn a_file_may_have_a_largest_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    for reply in [whole(), whole().unannounced()] {
        let server = Server::start(move |_, _| reply.clone()).await;
        let (client, url) = (server.client(), format!("{}/a.txt", server.base()));
        for (most, fits) in [(36, true), (35, false), (0, false)] {
            assert_eq!(client.download_bytes(&url).max_bytes(most).await.is_ok(), fits, "{most}");
            let saved = client.download(&url, &path).max_bytes(most).overwrite(true).await;
            assert_eq!(saved.is_ok(), fits, "{most}");
            let mut written = Vec::new();
            match client.download_to(&url, &mut written).max_bytes(most).await {
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
async fn progress_is_told_and_a_writer_may_fail() {
    let server = Server::start(|_, _| whole()).await;
    let (client, url) = (server.client(), format!("{}/a.txt", server.base()));
    let mut told = Vec::new();
    client.download_bytes(&url).on_progress(|progress| told.push(progress)).await.expect("bytes");
    assert!(told.iter().all(|progress| progress.total == Some(36)), "{told:?}");
    assert_eq!(told.last().map(|progress| progress.bytes), Some(36));

    let mut small = [0; 10];
    let error = client.download_to(&url, std::io::Cursor::new(&mut small[..])).await.expect_err("too small");
    assert_eq!(error.kind(), ErrorKind::File, "{error}");
}

#[tokio::test]
async fn of_two_downloads_to_one_path_one_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    let server = Server::start(|number, _| Reply::text(200, "text/plain", &number.to_string())).await;
    let (client, url) = (server.client(), format!("{}/a.txt", server.base()));
    let downloads = (0..8).map(|_| client.download(&url, &path).into_future());
    let done = futures_util::future::join_all(downloads).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
    for error in done.into_iter().filter_map(Result::err) {
        assert!(error.to_string().contains("exists already"), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[tokio::test]
async fn of_two_downloads_that_overwrite_one_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    let server = Server::start(|number, _| Reply::text(200, "text/plain", &number.to_string().repeat(1 << 20))).await;
    let (client, url) = (server.client(), format!("{}/a.txt", server.base()));
    let downloads = (0..4).map(|_| client.download(&url, &path).overwrite(true).into_future());
    for done in futures_util::future::join_all(downloads).await {
        done.expect("saved");
    }
    let saved = std::fs::read(&path).expect("a file");
    assert!(saved.len() == 1 << 20 && saved.iter().all(|byte| *byte == saved[0]));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[tokio::test]
async fn a_download_that_is_dropped_leaves_nothing() {
    let files = |folder: &tempfile::TempDir| std::fs::read_dir(folder.path()).expect("a folder").count();
    // So much that some of it is written, and then nothing more.
    let server = Server::start(|_, _| Reply::text(200, "a/b", &"x".repeat(3 << 20)).stalled()).await;
    let (client, url) = (server.client(), format!("{}/a.bin", server.base()));
    let (one, many) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    {
        let mut one_of_them = client.download(&url, one.path().join("a.bin")).into_future();
        let mut several = client.download_all([&url, &url, &url], many.path()).into_future();
        while files(&one) < 1 || files(&many) < 3 {
            tokio::select! {
                biased;
                done = &mut one_of_them => panic!("{done:?}"),
                done = &mut several => panic!("{done:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
    // What is just being written goes when that is done.
    while files(&one) + files(&many) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_transfer_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let large = "x".repeat(2 << 20);
    let server = Server::start(move |_, seen| match seen.target.as_str() {
        "/torn" => Reply::text(200, "a/b", &large).torn(),
        _ => Reply::text(200, "a/b", &large).unannounced(),
    })
    .await;
    let (client, path) = (server.client(), folder.path().join("a.bin"));
    // Each time some of it is just being written when it breaks.
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
async fn a_name_may_be_as_odd_and_as_long_as_a_name_can_be() {
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
async fn only_a_file_is_ever_replaced() {
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

/// In these folders nobody makes a file, whatever rights he has.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_nothing_can_be_written_the_error_says_where() {
    let client = fal_client::Client::builder().anonymous().build().expect("a client");
    let large = format!("data:,{}", "x".repeat(2 << 20));
    for url in ["data:,x", &large] {
        let error = client.download(url, "/proc/a.txt").await.expect_err("no place");
        assert_eq!(error.kind(), ErrorKind::File);
        assert!(error.to_string().contains("/proc/a.txt cannot be written"), "{error}");
        let error = client.download_all([url], "/proc/a/b").await.expect_err("no place");
        assert!(error.to_string().contains("the folder /proc/a/b cannot be made"), "{error}");
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = client.download_all(["data:,x"], file.path()).await.expect_err("a file");
    assert!(error.to_string().contains("cannot be made"), "{error}");
}

#[tokio::test]
async fn many_files_get_names_of_their_own() {
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
    // Which of those that want the same name has it depends on which comes first.
    let unlike: HashSet<&String> = names.iter().collect();
    assert_eq!(unlike.len(), images.len(), "{names:?}");
    for (path, image) in saved.iter().zip(&images) {
        let target = image.url.strip_prefix(&base).expect("a path");
        assert_eq!(std::fs::read_to_string(path).expect("a file"), target);
    }
    assert_eq!(std::fs::read_dir(&into).expect("a folder").count(), images.len());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);

    // What is there stays, unless asked.
    let again = client.download_all(&images[..1], &into).at_once(1).await.expect("saved");
    assert!(!saved.contains(&again[0]), "{again:?}");
    client.download_all([format!("{base}/8/a.png")], &into).overwrite(true).await.expect("saved");
    assert_eq!(std::fs::read_to_string(into.join("a.png")).expect("a file"), "/8/a.png");
    assert_eq!(
        client.download_all(Vec::<String>::new(), &into).await.expect("nothing"),
        Vec::<std::path::PathBuf>::new()
    );
}

#[tokio::test]
async fn several_files_come_down_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_, _| Reply::never()).await;
    let urls: Vec<String> = (0..20).map(|number| format!("{}/{number}.png", server.base())).collect();
    for at_once in [1, 3] {
        let before = server.seen().len();
        let mut downloads = server.client().download_all(&urls, folder.path()).at_once(at_once).into_future();
        while server.seen().len() < before + at_once {
            tokio::select! {
                biased;
                done = &mut downloads => panic!("{done:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        assert_eq!(server.seen().len(), before + at_once);
    }
}

#[tokio::test]
async fn one_that_fails_keeps_the_others_from_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_, seen| match seen.target.as_str() {
        "/2.png" => Reply::text(404, "text/plain", "gone"),
        _ => Reply::text(200, "image/png", "x"),
    })
    .await;
    let urls: Vec<String> = (0..20).map(|number| format!("{}/{number}.png", server.base())).collect();
    let error = server.client().download_all(&urls, folder.path()).at_once(3).await.expect_err("one is gone");
    assert!(error.to_string().starts_with("1 of 20 files cannot be saved"), "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 19);
}
