use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{assert_serves, send, send_all};
use crate::fal::{Fal, INPAINTING};

#[tokio::test]
async fn malformed_request_lines_are_rejected() {
    let fal = Fal::instant().await;
    for line in [
        "GET / HTTP/9.9",
        "GET / HTTP/1.2",
        "GET / http/1.1",
        "GET / HTTP/1.1 x",
        "GET /",
        "GET",
        "GET  / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "G T / HTTP/1.1",
        "G\u{e9}T / HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http://[::1/ HTTP/1.1",
        "GET http://localhost:port/ HTTP/1.1",
        "GET http://localhost:99999/ HTTP/1.1",
        "PRI * HTTP/2.0",
        "\0\0\0\0",
        "-----BEGIN CERTIFICATE-----",
        "\u{1}\u{2}\u{3}",
    ] {
        let (status, response) = send_all(&fal, format!("{line}\r\nhost: localhost\r\n\r\n").as_bytes()).await;
        assert!(status == 400 || status == 421, "{line:?}: {response}");
    }
    for bytes in [&b""[..], b"\r\n\r\n", b"\r\n", b"\n\n\n\n", b"G", b"GET / HTTP/1.1\r\nhost: loc"] {
        let (status, response) = send_all(&fal, bytes).await;
        assert!(status == 0 || status == 400, "{bytes:?}: {response}");
    }
    assert!(fal.requests().is_empty());
    assert_serves(&fal).await;
}

#[tokio::test]
async fn malformed_headers_are_rejected() {
    let fal = Fal::instant().await;
    for header in [
        "x y: z",
        "x : z",
        "x",
        ": z",
        "x: a\0b",
        "x: a\rb",
        "x\u{e9}: z",
        "\tx: z",
        "x: z\r\n folded",
        "content-length: -1",
        "content-length: +1",
        "content-length: 1 1",
        "content-length: 0x10",
        "content-length: 18446744073709551616",
        "content-length: 1, 2",
        "content-length: 1\r\ncontent-length: 2",
        "transfer-encoding: identity",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
    ] {
        let head = format!("POST /fal.run/{INPAINTING} HTTP/1.1\r\nhost: localhost\r\n{header}\r\n\r\n");
        let (status, response) = send_all(&fal, head.as_bytes()).await;
        assert_eq!(status, 400, "{header:?}: {response}");
    }
    assert!(fal.jobs().is_empty());
    assert_serves(&fal).await;
}

#[tokio::test]
async fn requests_are_not_smuggled() {
    let fal = Fal::instant().await;
    let hidden = format!("GET /fal.run/{INPAINTING} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let line = "POST /rest.fal.ai/tokens/ HTTP/1.1\r\nhost: localhost\r\nauthorization: Key a:b\r\n";
    for (headers, body) in [
        ("content-length: 6\r\ntransfer-encoding: chunked", format!("0\r\n\r\n{hidden}")),
        ("transfer-encoding: chunked\r\ncontent-length: 6", format!("0\r\n\r\n{hidden}")),
        ("transfer-encoding: chunked\r\ncontent-length: 0", format!("0\r\n\r\n{hidden}")),
    ] {
        let mut stream = TcpStream::connect(fal.base_url().trim_start_matches("http://")).await.unwrap();
        stream.write_all(format!("{line}{headers}\r\n\r\n{body}").as_bytes()).await.unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        let response = String::from_utf8_lossy(&response);
        // The chunks count, and the connection ends, so that nothing after them is a request.
        assert!(response.starts_with("HTTP/1.1 422 ") && response.contains("connection: close"), "{response}");
        assert_eq!(response.matches("HTTP/1.1").count(), 1, "{response}");
    }
    // HTTP/1.0 has no chunks.
    let old = line.replace("1.1", "1.0");
    let (status, response) =
        send_all(&fal, format!("{old}transfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}").as_bytes()).await;
    assert_eq!(status, 400, "{response}");
    // A body that looks like a request is a body.
    let (status, _) = send(&fal, format!("{line}content-length: {}\r\n\r\n{hidden}", hidden.len()).as_bytes()).await;
    assert_eq!(status, 422);
    assert!(fal.requests().iter().all(|request| request.method() == "POST"), "{:?}", fal.requests());
    assert_serves(&fal).await;
}

#[tokio::test]
async fn malformed_chunks_end_the_connection() {
    let fal = Fal::instant().await;
    let head = format!(
        "POST /fal.run/{INPAINTING} HTTP/1.1\r\nhost: localhost\r\nauthorization: Key a:b\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let long = format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(1_000_000));
    let trailers = format!("0\r\n{}\r\n", "x: y\r\n".repeat(100_000));
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\n",
        "1\r\nxx\r\n",
        "1\rx\r\n0\r\n\r\n",
        "1 1\r\nx\r\n0\r\n\r\n",
        "0\r\nx y\r\n\r\n",
        &long,
        &trailers,
    ] {
        let (status, response) = send_all(&fal, format!("{head}{chunks}").as_bytes()).await;
        assert!([0, 400, 413, 422, 431].contains(&status), "{:?}: {response}", &chunks[..chunks.len().min(20)]);
    }
    assert!(fal.jobs().iter().all(|job| job.request().status() != Some(200)));
    assert_serves(&fal).await;
}

#[tokio::test]
async fn secrets_are_not_in_errors() {
    let fal = Fal::start(fal_emulator::Emulator::builder().key("id:accepted-secret")).await;
    for target in [format!("/fal.run/{INPAINTING}"), "/nowhere".to_owned(), "/rest.fal.ai/tokens/".to_owned()] {
        let head = format!("POST {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Key id:wrong-secret\r\n");
        let (status, response) = send(&fal, format!("{head}content-length: 2\r\n\r\n{{}}").as_bytes()).await;
        assert!((400..500).contains(&status), "{response}");
        assert!(!response.contains("secret"), "{response}");
    }
}
