//! The client neither requests nor unpacks compressed responses, and keeps no cookies, whatever features of reqwest are on.

use std::sync::{Arc, Mutex};

use fal_client::{Client, Error, ErrorKind, RetryPolicy};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// `{"a":1}`, compressed by gzip.
const GZIP: &[u8] =
    &[31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 171, 86, 74, 84, 178, 50, 172, 5, 0, 175, 172, 27, 86, 7, 0, 0, 0];

type Requests = Arc<Mutex<Vec<String>>>;

/// Starts a server that responds to every request with the same headers and body.
async fn server(headers: &'static str, body: &'static [u8]) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let requests = Requests::default();
    let log = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 16 << 10];
            let length = stream.read(&mut head).await.unwrap_or(0);
            log.lock().expect("not poisoned").push(String::from_utf8_lossy(&head[..length]).to_ascii_lowercase());
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
            let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
            let _ = stream.shutdown().await;
        }
    });
    (format!("http://{address}"), requests)
}

fn client_of(base: &str) -> Client {
    let builder = Client::builder().key("id:secret").run_host(base).queue_host(base).rest_host(base);
    builder.retry(RetryPolicy::none()).build().expect("a client")
}

/// Returns the values of a header in all requests.
fn values(requests: &Requests, name: &str) -> Vec<String> {
    let requests = requests.lock().expect("not poisoned");
    let lines = requests.iter().flat_map(|request| request.lines());
    lines.filter_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned())).collect()
}

#[tokio::test]
async fn compressed_responses_are_errors() {
    for (headers, encoding) in [
        ("content-encoding: gzip\r\n", "gzip"),
        ("content-encoding: br\r\n", "br"),
        ("content-encoding: zstd\r\n", "zstd"),
        ("content-encoding: deflate\r\n", "deflate"),
    ] {
        let (base, requests) = server(headers, GZIP).await;
        let client = client_of(&base);
        let endpoint = client.endpoint("a/b");
        let url = format!("{base}/a.bin");
        let errors: [Error; 5] = [
            endpoint.run(json!({})).await.map(drop).expect_err("encoded"),
            endpoint.submit(json!({})).await.map(drop).expect_err("encoded"),
            endpoint.status("R1").await.map(drop).expect_err("encoded"),
            endpoint.result("R1").await.map(drop).expect_err("encoded"),
            client.download_bytes(url.as_str()).await.map(drop).expect_err("encoded"),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{error:?}");
            assert!(error.to_string().contains(&format!("{encoding:?}")), "{error}");
        }
        let accepted = values(&requests, "accept-encoding");
        assert_eq!(accepted, ["identity"], "only a download names the encoding that it accepts");
    }
}

#[tokio::test]
async fn cookies_are_not_kept() {
    let (base, requests) = server("set-cookie: a=b; path=/\r\n", br#"{"a":1}"#).await;
    let endpoint = client_of(&base).endpoint("a/b");
    for _ in 0..2 {
        let response = endpoint.run(json!({})).await.expect("an output");
        assert_eq!(response.data, json!({ "a": 1 }));
    }
    assert_eq!(values(&requests, "cookie"), Vec::<String>::new());
}

/// The features are on: a client of reqwest's own does all of this.
#[tokio::test]
async fn the_features_are_on() {
    let (base, requests) = server("content-encoding: gzip\r\n", GZIP).await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let body = http.get(&base).send().await.expect("a response").bytes().await.expect("a body");
    assert_eq!(&body[..], br#"{"a":1}"#);
    assert!(values(&requests, "accept-encoding")[0].contains("gzip"));
}
