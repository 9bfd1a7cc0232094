//! Signed deliveries, and a server that publishes keys.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use fal_client::webhook::Verifier;
use fal_client::{Client, RetryPolicy};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The time of the test vectors.
pub(crate) const NOW: u64 = 1_760_000_000;
pub(crate) const REQUEST_ID: &str = "b1f6f7a0-53a5-4f57-9f0e-3d1b6a0c2e11";
pub(crate) const USER_ID: &str = "user-4711";

/// A key pair like those of fal.
#[derive(Clone)]
pub(crate) struct Key(SigningKey);

impl Key {
    pub(crate) fn new(seed: u8) -> Self {
        Key(SigningKey::from_bytes(&[seed; 32]))
    }

    pub(crate) fn jwk(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
    }

    /// Returns the headers of a delivery.
    pub(crate) fn sign(&self, timestamp: &str, body: &[u8]) -> HeaderMap {
        self.sign_as(REQUEST_ID, USER_ID, timestamp, body)
    }

    pub(crate) fn sign_as(&self, request_id: &str, user_id: &str, timestamp: &str, body: &[u8]) -> HeaderMap {
        let hash = hex(&Sha256::digest(body));
        let message = [request_id, user_id, timestamp, &hash].join("\n");
        let signature = hex(&self.0.sign(message.as_bytes()).to_bytes());
        [("request-id", request_id), ("user-id", user_id), ("timestamp", timestamp), ("signature", &signature)]
            .into_iter()
            .map(|(name, value)| (header(name), HeaderValue::from_str(value).expect("a header value")))
            .collect()
    }
}

/// Returns the full name of a header.
pub(crate) fn header(name: &str) -> HeaderName {
    format!("x-fal-webhook-{name}").parse().expect("a header name")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn jwks(keys: &[&Key]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string()
}

/// A clock that tests move.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<SystemTime>>);

impl Clock {
    pub(crate) fn new() -> Self {
        Clock(Arc::new(Mutex::new(UNIX_EPOCH + Duration::from_secs(NOW))))
    }

    /// A clock that begins with the current time.
    pub(crate) fn now() -> Self {
        Clock(Arc::new(Mutex::new(SystemTime::now())))
    }

    pub(crate) fn advance(&self, seconds: u64) {
        *self.0.lock().expect("a clock") += Duration::from_secs(seconds);
    }

    pub(crate) fn set_back(&self, seconds: u64) {
        *self.0.lock().expect("a clock") -= Duration::from_secs(seconds);
    }

    /// Returns the time as a header has it.
    pub(crate) fn timestamp(&self) -> String {
        let now = *self.0.lock().expect("a clock");
        now.duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs().to_string()
    }

    pub(crate) fn apply(&self, verifier: Verifier) -> Verifier {
        let clock = self.clone();
        verifier.clock(move || *clock.0.lock().expect("a clock"))
    }
}

/// A verifier with the public part of `key`, at the time `NOW`.
pub(crate) fn verifier(key: &Key) -> Verifier {
    Clock::new().apply(Verifier::from_jwks(jwks(&[key])).expect("keys"))
}

/// A REST host that publishes keys, and counts the requests for them.
pub(crate) struct KeyServer {
    url: String,
    response: Arc<Mutex<(StatusCode, String)>>,
    pub(crate) requests: Arc<AtomicUsize>,
    /// The headers of the last request.
    pub(crate) headers: Arc<Mutex<HeaderMap>>,
    task: JoinHandle<()>,
}

impl KeyServer {
    pub(crate) async fn start(document: String) -> Self {
        let response = Arc::new(Mutex::new((StatusCode::OK, document)));
        let (requests, headers) = (Arc::new(AtomicUsize::new(0)), Arc::<Mutex<HeaderMap>>::default());
        let handler = {
            let (response, requests, last) = (Arc::clone(&response), Arc::clone(&requests), Arc::clone(&headers));
            move |headers: HeaderMap| async move {
                requests.fetch_add(1, Ordering::SeqCst);
                *last.lock().expect("headers") = headers;
                response.lock().expect("a response").clone()
            }
        };
        let app = Router::new().route("/rest/.well-known/jwks.json", get(handler));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/rest", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
        KeyServer { url, response, requests, headers, task }
    }

    pub(crate) fn set(&self, status: u16, document: impl Into<String>) {
        let status = StatusCode::from_u16(status).expect("a status");
        *self.response.lock().expect("a response") = (status, document.into());
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn client(&self) -> Client {
        client(&self.url)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client without retries, with a key that must not be sent.
pub(crate) fn client(rest: &str) -> Client {
    let builder = Client::builder().key("id:secret").retry(RetryPolicy::none());
    builder.run_host(rest).queue_host(rest).rest_host(rest).build().expect("a client")
}

/// Posts a body over a connection of its own. Returns the status and the body of the response.
pub(crate) async fn post(address: SocketAddr, path: &str, headers: &HeaderMap, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {}\r\n", value.to_str().expect("text"));
    }
    request += &format!("content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("a response");
    let (head, body) = response.split_once("\r\n\r\n").expect("a response");
    (head[9..12].parse().expect("a status"), body.to_owned())
}
