//! Handshakes that fail.

use std::time::Duration;

use fal_client::ErrorKind;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::host::{Host, close, json, text};
use crate::unreachable::Unreachable;

#[tokio::test]
async fn refusals_are_typed_and_not_retried() {
    for (status, body, check) in [
        (401, r#"{"detail":"no such key"}"#, "unauthorized"),
        (403, r#"{"detail":"User is locked. Reason: Exhausted balance."}"#, "locked"),
        (403, r#"{"detail":"Insufficient permissions"}"#, "denied"),
        (404, r#"{"detail":"Application not found"}"#, "other"),
        (422, r#"{"detail":"bad"}"#, "other"),
        (403, "", "other"),
        (307, "", "unexpected"),
        (200, "{}", "unexpected"),
    ] {
        let host = Host::start_with(move |_, _| Some(json(status, body)), async |_, _| {}).await;
        let error = host.client().endpoint("a/b").realtime().await.expect_err("refused");
        let found = match error.kind() {
            _ if error.is_unauthorized() => "unauthorized",
            _ if error.is_account_locked() => "locked",
            _ if error.is_permission_denied() => "denied",
            ErrorKind::UnexpectedResponse => "unexpected",
            _ => "other",
        };
        assert_eq!((found, error.status().map(|status| status.as_u16())), (check, Some(status)), "{error}");
        assert_eq!(error.body().map(|body| &body[..]), Some(body.as_bytes()));
        assert!(!error.may_have_been_accepted() && !error.is_retryable(), "{error}");
        assert_eq!((host.lines().len(), error.endpoint()), (1, Some("a/b")), "{status}");
    }
}

#[tokio::test]
async fn failures_are_retried_because_a_handshake_is_free() {
    let respond = |index: usize, _: &_| match index {
        0 => Some(text(502, "text/html", "<html>gateway</html>")),
        1 => Some(String::new()),
        2 => Some(json(429, "{}")),
        _ => None,
    };
    let host = Host::start_with(respond, async |_, mut socket| close(&mut socket, 1000, "").await).await;
    let mut connection = host.client().endpoint("a/b").realtime().await.expect("connected");
    assert!(connection.next().await.is_none());
    assert_eq!(host.lines().len(), 4);

    let host = Host::start_with(|_, _| Some(json(503, "{}")), async |_, _| {}).await;
    let error = host.client().endpoint("a/b").realtime().await.expect_err("unavailable");
    assert_eq!((error.attempts().len(), host.lines().len()), (5, 5));
    assert!(error.is_retryable(), "{error}");
}

#[tokio::test]
async fn invalid_upgrades_are_errors() {
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    for (headers, words) in [
        (format!("connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: {ACCEPT}"), "does not match"),
        ("connection: Upgrade\r\nupgrade: websocket".to_owned(), "does not match"),
        ("connection: Upgrade\r\nupgrade: h2c".to_owned(), "another protocol"),
        ("upgrade: websocket".to_owned(), "another protocol"),
    ] {
        let raw = format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n\r\n");
        let host = Host::start_with(move |_, _| Some(raw.clone()), async |_, _| {}).await;
        let error = host.client().endpoint("a/b").realtime().await.expect_err("invalid");
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn opening_has_a_time_limit() {
    let host = Host::start(async |_, _| {}).await;
    let connecting = host.client().endpoint("a/b").realtime().open_timeout(Duration::ZERO);
    let error = connecting.await.expect_err("too late");
    assert!(error.is_timeout() && error.to_string().contains("opening the connection"), "{error}");
}

#[tokio::test]
async fn unreachable_host_is_a_connect_error() {
    let host = Host::start(async |_, _| {}).await;
    let closed = Unreachable::bind();
    let client = host.builder().run_host(format!("http://{}", closed.address())).build().expect("a client");
    let error = client.endpoint("a/b").realtime().await.expect_err("unreachable");
    assert!(error.is_connect() && error.attempts().len() == 5, "{error:?}");
}

#[tokio::test]
async fn connections_use_the_tls_and_the_proxies_of_the_client() {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_tungstenite::tungstenite::protocol::Role;

    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["fal.run".to_owned()]).expect("a certificate");
    let certificate: CertificateDer<'static> = cert.der().clone();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(std::sync::Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a server");
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let proxy = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("CONNECT fal.run:443 HTTP/1.1"), "{head}");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("written");
        let mut stream = acceptor.accept(stream).await.expect("TLS");
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("GET /a/b/realtime HTTP/1.1"), "{head}");
        let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).expect("a key");
        let accept = derive_accept_key(key.as_bytes());
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(response.as_bytes()).await.expect("written");
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            let _ = socket.send(message).await;
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let trust = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(trust)
        .proxy(reqwest::Proxy::https(proxy).expect("a proxy"))
        .build()
        .expect("an HTTP client");
    let client = fal_client::Client::builder().env_from(|_| None).key("id:secret").http_client(http).build();
    let mut connection = client.expect("a client").endpoint("a/b").realtime().await.expect("connected");
    connection.send(serde_json::json!({ "x": 1 })).await.expect("sent");
    assert_eq!(connection.next().await.expect("a frame").expect("a result"), serde_json::json!({ "x": 1 }));
    connection.close().await.expect("closed");
    serving.await.expect("not panicked");
}

async fn read_head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8(bytes).expect("UTF-8")
}
