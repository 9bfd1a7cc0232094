//! Interrupted downloads whose continuation is another file: only the file that the first response announced is saved.

use fal_client::ErrorKind;

use crate::support::server::{Reply, Server};

const BODY: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

fn v1(reply: Reply) -> Reply {
    reply.header("etag", "\"v1\"")
}

fn whole(body: &str) -> Reply {
    v1(Reply::text(200, "a/b", body))
}

/// The first bytes of the file, which announces 36 bytes.
fn torn(bytes: usize) -> Reply {
    v1(Reply::text(200, "a/b", &BODY[..bytes]).torn_of(BODY.len()))
}

/// The first ten bytes in a chunk, without a length. The connection breaks before the end.
fn torn_chunk() -> Reply {
    Reply::text(200, "a/b", "a\r\n0123456789\r\n").header("transfer-encoding", "chunked").unannounced()
}

fn range(content_range: &str, body: &str) -> Reply {
    Reply::text(206, "a/b", body).header("content-range", content_range)
}

/// Downloads from a host that sends these replies in order, the last of them again and again.
async fn download(replies: Vec<Reply>) -> Result<Vec<u8>, fal_client::Error> {
    let server = Server::start(move |number, _| replies[number.min(replies.len() - 1)].clone()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let saved = server.client().download(format!("{}/a", server.base()), &path).await;
    match saved {
        Ok(path) => Ok(std::fs::read(path).expect("a file")),
        Err(error) => {
            assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "{error}");
            Err(error)
        }
    }
}

#[tokio::test]
async fn another_file_is_never_saved_as_the_rest() {
    let longer = format!("{BODY}more");
    let dated = |reply: Reply, at: &str| {
        reply
            .header("last-modified", "Tue, 24 Nov 2026 00:00:00 GMT")
            .header("date", &format!("Tue, 24 Nov 2026 {at} GMT"))
    };
    let plain_torn = || Reply::text(200, "a/b", &BODY[..10]).torn_of(BODY.len());
    for (name, replies, kind) in [
        ("shorter", vec![torn(20), whole(&BODY[..30])], ErrorKind::UnexpectedResponse),
        ("shorter than what has arrived", vec![torn(20), whole(&BODY[..5])], ErrorKind::UnexpectedResponse),
        ("longer", vec![torn(20), whole(&longer)], ErrorKind::UnexpectedResponse),
        ("empty", vec![torn(20), whole("")], ErrorKind::UnexpectedResponse),
        ("cut, without a length", vec![torn(20), whole(&BODY[..30]).unannounced()], ErrorKind::Transport),
        ("cut before the break", vec![torn(20), whole(&BODY[..5]).unannounced()], ErrorKind::Transport),
        ("longer, without a length", vec![torn(20), whole(&longer).unannounced()], ErrorKind::UnexpectedResponse),
        ("a range of a longer file", vec![torn(20), v1(range("bytes 20-39/40", "x"))], ErrorKind::UnexpectedResponse),
        ("a range of a shorter file", vec![torn(20), v1(range("bytes 20-29/30", "x"))], ErrorKind::UnexpectedResponse),
        (
            "a range that ends early",
            vec![torn(20), v1(range("bytes 20-29/*", &BODY[20..30])), v1(range("bytes 30-29/*", ""))],
            ErrorKind::Transport,
        ),
        ("no length at all", vec![v1(torn_chunk()), whole(BODY).unannounced()], ErrorKind::UnexpectedResponse),
        (
            "no length of the range",
            vec![v1(torn_chunk()), v1(range("bytes 10-35/*", &BODY[10..]))],
            ErrorKind::UnexpectedResponse,
        ),
        ("a length below what has arrived", vec![v1(torn_chunk()), whole("short")], ErrorKind::UnexpectedResponse),
        ("a chunk and a date only", vec![dated(torn_chunk(), "01:00:00"), whole(BODY)], ErrorKind::Transport),
        ("a date of the same second", vec![dated(plain_torn(), "00:00:00"), whole(BODY)], ErrorKind::Transport),
    ] {
        let error = download(replies).await.expect_err(name);
        assert_eq!(error.kind(), kind, "{name}: {error}");
    }
}

#[tokio::test]
async fn the_rest_of_the_same_file_is_saved() {
    let dated = |reply: Reply| {
        reply.header("last-modified", "Tue, 24 Nov 2026 00:00:00 GMT").header("date", "Tue, 24 Nov 2026 00:00:09 GMT")
    };
    let plain_torn = || Reply::text(200, "a/b", &BODY[..10]).torn_of(BODY.len());
    for (name, replies) in [
        ("a range", vec![torn(20), v1(range("bytes 20-35/36", &BODY[20..]))]),
        ("a range of a total that is not said", vec![torn(20), v1(range("bytes 20-35/*", &BODY[20..]))]),
        ("from the beginning", vec![torn(20), whole(BODY)]),
        ("from the beginning, without a length", vec![torn(20), whole(BODY).unannounced()]),
        ("from the beginning, cut, then whole", vec![torn(20), whole(&BODY[..30]).unannounced(), whole(BODY)]),
        ("cut before the break, then whole", vec![torn(20), whole(&BODY[..5]).unannounced(), whole(BODY)]),
        ("a chunk, then a range", vec![v1(torn_chunk()), v1(range("bytes 10-35/36", &BODY[10..]))]),
        ("a chunk, then from the beginning", vec![v1(torn_chunk()), whole(BODY)]),
        ("by date", vec![dated(plain_torn()), dated(range("bytes 10-35/36", &BODY[10..]))]),
    ] {
        let saved = download(replies).await.expect(name);
        assert_eq!(String::from_utf8_lossy(&saved), BODY, "{name}");
    }
}

#[tokio::test]
async fn another_version_is_fine_before_the_first_byte() {
    let other = Reply::text(200, "a/b", "another file").header("etag", "\"v2\"");
    assert_eq!(download(vec![torn(0), other.clone()]).await.expect("saved"), b"another file");
    let partly =
        vec![torn(0), other.clone().cut(7).torn_of(12), range("bytes 7-11/12", " file").header("etag", "\"v2\"")];
    let saved = download(partly).await.expect("saved");
    assert_eq!(String::from_utf8_lossy(&saved), "another file");
    let error = download(vec![torn(0), range("bytes 0-35/36", BODY)]).await.expect_err("a range");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
}

#[tokio::test]
async fn what_passes_is_waited_out() {
    for status in [404, 408, 425, 429, 500, 501, 502, 503, 504, 507, 520, 521, 522, 523, 524, 530, 599] {
        let refused = || Reply::text(status, "text/html", "<title>later</title>").header("retry-after", "0");
        let saved = download(vec![refused(), whole(BODY)]).await;
        assert!(saved.is_ok_and(|saved| saved == BODY.as_bytes()), "{status}");
        if status != 404 {
            let saved = download(vec![torn(20), refused(), v1(range("bytes 20-35/36", &BODY[20..]))]).await;
            assert!(saved.is_ok_and(|saved| saved == BODY.as_bytes()), "{status} within a transfer");
        }
    }
    for status in [400, 401, 403, 405, 410, 416, 451] {
        let error = download(vec![Reply::text(status, "a/b", ""), whole(BODY)]).await.expect_err("final");
        assert_eq!(error.status().map(|found| found.as_u16()), Some(status));
    }
}

#[tokio::test]
async fn a_missing_file_is_final_without_patience() {
    let server = Server::start(|_, _| Reply::text(404, "a/b", "")).await;
    let client = server.builder().retry(fal_client::RetryPolicy::none()).build().expect("a client");
    client.download_bytes(format!("{}/a", server.base())).await.expect_err("missing");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_rest_of_a_file_with_another_date_is_another_file() {
    let dated =
        |reply: Reply, second: &str| reply.header("last-modified", &format!("Tue, 24 Nov 2026 00:00:0{second} GMT"));
    let rest = || range("bytes 10-35/36", &BODY[10..]);
    let error = download(vec![dated(torn(10), "0"), dated(rest(), "9")]).await.expect_err("another file");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{error}");
    // The ETag says more than the date, which may differ between the machines of a host.
    for rest in [dated(rest(), "0"), rest(), dated(v1(rest()), "9")] {
        assert_eq!(download(vec![dated(torn(10), "0"), rest]).await.expect("the file"), BODY.as_bytes());
    }
}

#[tokio::test]
async fn only_an_encoding_that_changes_the_bytes_is_an_error() {
    for (encodings, is_file) in
        [(&["Identity"][..], true), (&[""], true), (&["identity", "gzip"], false), (&["br"], false)]
    {
        let reply = encodings.iter().fold(whole(BODY), |reply, encoding| reply.header("content-encoding", encoding));
        assert_eq!(download(vec![reply]).await.is_ok(), is_file, "{encodings:?}");
    }
}
