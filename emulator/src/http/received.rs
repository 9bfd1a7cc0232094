use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Operation;
use super::route::Route;

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
    body: Bytes,
    input: Result<Value, serde_json::Error>,
    request_id: OnceLock<String>,
    status: OnceLock<u16>,
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
        self.0.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header, by its name in any case; none if its value is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name)?.to_str().ok()
    }

    /// The body as it was sent. Empty where it was larger than the emulator takes.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The body as JSON, null where it was none.
    pub fn input(&self) -> &Value {
        self.0.input.as_ref().unwrap_or(&Value::Null)
    }

    /// The id of the fal request that it made or was about.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.get().map(String::as_str)
    }

    /// The HTTP status of the answer. None before there is one, and where the connection was dropped instead.
    pub fn status(&self) -> Option<u16> {
        self.0.status.get().copied()
    }

    /// What a client must not do and fal does not notice, in words: the key was sent where files are.
    pub fn mistake(&self) -> Option<&'static str> {
        let is_leak = self.0.operation == Operation::Media && self.0.headers.contains_key(AUTHORIZATION);
        is_leak.then_some("the key was sent to the host of the files, which needs none")
    }
}

impl Received {
    pub(crate) fn new(route: &Route, head: Parts, body: Bytes) -> Self {
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
            input: serde_json::from_slice(&body),
            body,
            request_id,
            status: OnceLock::new(),
        }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON, or why it is none.
    pub(crate) fn input(&self) -> Result<&Value, &serde_json::Error> {
        self.input.as_ref()
    }

    /// Whether the query asks for logs: `logs=1` or `logs=true`.
    pub(crate) fn wants_logs(&self) -> bool {
        self.query.iter().any(|(name, value)| name == "logs" && (value == "1" || value.eq_ignore_ascii_case("true")))
    }

    pub(crate) fn has_made(&self, request_id: &str) {
        let _ = self.request_id.set(request_id.to_owned());
    }

    pub(crate) fn was_answered(&self, status: u16) {
        let _ = self.status.set(status);
    }

    /// What it weighs, for the bound on what is kept.
    pub(crate) fn size(&self) -> usize {
        self.body.len()
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

/// The latest requests, bounded in number and size.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    requests: VecDeque<Arc<Received>>,
    bytes: usize,
}

/// How many requests, and how many bytes of their bodies, an emulator remembers.
pub(crate) const KEPT_REQUESTS: usize = 10_000;
pub(crate) const KEPT_BYTES: usize = 256 << 20;

impl Journal {
    pub(crate) fn add(&self, received: Arc<Received>) {
        let mut entries = self.lock();
        entries.bytes += received.size();
        entries.requests.push_back(received);
        while entries.requests.len() > KEPT_REQUESTS || (entries.bytes > KEPT_BYTES && entries.requests.len() > 1) {
            let oldest = entries.requests.pop_front().map_or(0, |oldest| oldest.size());
            entries.bytes -= oldest;
        }
    }

    pub(crate) fn all(&self) -> Vec<ReceivedRequest> {
        self.lock().requests.iter().cloned().map(ReceivedRequest).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
