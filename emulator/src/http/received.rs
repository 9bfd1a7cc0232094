use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::route::Route;
use super::{Operation, mistake};
use crate::storage::Lifecycle;

/// A request that the emulator received.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = fal_emulator::Emulator::start().await?;
/// use fal_emulator::Operation;
///
/// for request in emulator.requests() {
///     if request.operation() == Operation::Submit {
///         println!("{} asks for {}", request.path(), request.input()["prompt"]);
///     }
///     assert_eq!(request.mistake(), None);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReceivedRequest(pub(crate) Arc<Received>);

#[derive(Debug)]
pub(crate) struct Received {
    operation: Operation,
    method: Method,
    uri: Uri,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    endpoint: Option<String>,
    at_once: usize,
    body: OnceLock<Body>,
    request_id: OnceLock<String>,
    status: OnceLock<u16>,
}

#[derive(Debug)]
struct Body {
    size: u64,
    bytes: Bytes,
    json: Result<Value, serde_json::Error>,
}

impl ReceivedRequest {
    /// What it asked for.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// The method, `POST`.
    pub fn method(&self) -> &str {
        self.0.method.as_str()
    }

    /// The path as it was sent, the fal host first: `/queue.fal.run/fal-ai/flux/dev`.
    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// A parameter of the URL, such as `fal_webhook`.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.0.query(name)
    }

    /// A header, by its name in any case; none if its value is not text. What a call was asked to be is here:
    /// `x-fal-queue-priority`, `x-fal-runner-hint`, `x-fal-tags`, `x-fal-store-io` and so on.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// The body as it was sent. Empty where it was larger than the emulator takes, and before it was read to its end.
    pub fn body(&self) -> &[u8] {
        self.0.body()
    }

    /// How many bytes the body has: where it is a file, more than there are in [`body`](Self::body), which is empty
    /// then. The bytes are in [`Emulator::files`](crate::Emulator::files).
    pub fn body_size(&self) -> u64 {
        self.0.body.get().map_or(0, |body| body.size)
    }

    /// The body as JSON, null where it was none.
    pub fn input(&self) -> &Value {
        self.0.input().unwrap_or(&Value::Null)
    }

    /// The endpoint that it was about. Where a queued request is not known, only its application is.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// The id of the fal request that it made or was about.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.get().map(String::as_str)
    }

    /// How many requests of its operation were under way when it came, itself included: how much a client does at once.
    pub fn at_once(&self) -> usize {
        self.0.at_once
    }

    /// The HTTP status of the answer. None before there is one, and where the connection was dropped instead.
    pub fn status(&self) -> Option<u16> {
        self.0.status.get().copied()
    }

    /// What a client must not do and fal does not notice, in words: the key was sent where files are, or an option that
    /// fal ignores without a word.
    pub fn mistake(&self) -> Option<&'static str> {
        mistake::of(&self.0)
    }
}

impl Received {
    pub(crate) fn new(route: &Route, endpoint: Option<String>, at_once: usize, head: Parts) -> Self {
        let request_id = OnceLock::new();
        if let Route::Job { request_id: named, .. } = route {
            let _ = request_id.set(named.clone());
        }
        Received {
            operation: route.operation(),
            query: query(head.uri.query().unwrap_or("")),
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            endpoint,
            at_once,
            body: OnceLock::new(),
            request_id,
            status: OnceLock::new(),
        }
    }

    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Takes the body, once it was read.
    pub(crate) fn has_body(&self, bytes: Bytes) {
        let json = serde_json::from_slice(&bytes);
        let _ = self.body.set(Body { size: bytes.len() as u64, bytes, json });
    }

    /// Takes note of a body that is a file.
    pub(crate) fn has_file(&self, size: u64) {
        let _ = self.body.set(Body { size, bytes: Bytes::new(), json: serde_json::from_slice(b"") });
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.body.get().map_or(&[], |body| &body.bytes)
    }

    /// The body as JSON, or why it is none.
    pub(crate) fn input(&self) -> Result<&Value, Option<&serde_json::Error>> {
        self.body.get().ok_or(None)?.json.as_ref().map_err(Some)
    }

    /// What is asked of the file that it brings, or of those that it makes. Of two headers, the first counts.
    pub(crate) fn lifecycle(&self) -> Option<Lifecycle> {
        let header = |name| self.header(name).and_then(Lifecycle::read);
        header("x-fal-object-lifecycle").or_else(|| header("x-fal-object-lifecycle-preference"))
    }

    /// Whether the query asks for logs: `logs=1` or `logs=true`.
    pub(crate) fn wants_logs(&self) -> bool {
        self.query.iter().any(|(name, value)| name == "logs" && (value == "1" || value.eq_ignore_ascii_case("true")))
    }

    /// In which time a request has to start, if the caller says so in a way that fal understands. Of two names for it,
    /// the newer counts.
    pub(crate) fn start_timeout(&self) -> Option<Duration> {
        let seconds = self.header("x-fal-request-start-timeout").or(self.header("x-fal-request-timeout"))?;
        let seconds: f64 = seconds.trim().parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok().filter(|_| seconds > 0.1)
    }

    /// How long the endpoint's queue may be for the request to be taken.
    pub(crate) fn max_queue_length(&self) -> Option<u64> {
        self.query("fal_max_queue_length")?.parse().ok()
    }

    pub(crate) fn has_made(&self, request_id: &str) {
        let _ = self.request_id.set(request_id.to_owned());
    }

    pub(crate) fn was_answered(&self, status: u16) {
        let _ = self.status.set(status);
    }

    /// What it weighs, for the bound on what is kept.
    pub(crate) fn size(&self) -> usize {
        self.body().len()
    }
}

/// The parameters of a query, decoded.
fn query(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
