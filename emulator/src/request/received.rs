use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, UPGRADE};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::request::operation::Operation;
use crate::request::route::Route;
use crate::storage::host::Host;
use crate::storage::lifecycle::Lifecycle;
use crate::urls::Urls;

/// A request that was received, shared by the journal and its handler.
pub(crate) struct Received {
    pub(super) operation: Operation,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) query: Vec<(String, String)>,
    /// The form of the URLs in the response.
    urls: Urls,
    pub(super) headers: HeaderMap,
    pub(super) endpoint: Option<String>,
    pub(super) in_flight: usize,
    pub(super) body: OnceLock<Body>,
    pub(super) request_id: OnceLock<String>,
    pub(super) status: OnceLock<u16>,
}

pub(super) struct Body {
    pub(super) size: u64,
    /// The bytes in memory.
    weight: usize,
    bytes: Bytes,
    json: Result<Value, serde_json::Error>,
}

/// Shows neither headers nor the query nor the body: they may have the API key, tokens and signatures.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("path", &self.path())
            .field("endpoint", &self.endpoint)
            .field("request_id", &self.request_id.get())
            .field("status", &self.status.get())
            .finish_non_exhaustive()
    }
}

impl Received {
    pub(crate) fn new(route: &Route, endpoint: Option<String>, in_flight: usize, urls: Urls, head: Parts) -> Self {
        let request_id = OnceLock::new();
        if let Route::Job { request_id: id, .. } | Route::Payloads { request_id: id } = route {
            let _ = request_id.set(id.clone());
        }
        Received {
            operation: route.operation(),
            query: parse_query(head.uri.query().unwrap_or("")),
            urls,
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            endpoint,
            in_flight,
            body: OnceLock::new(),
            request_id,
            status: OnceLock::new(),
        }
    }

    /// Creates the record of a message on the WebSocket of a handshake.
    pub(crate) fn message(handshake: &Received, operation: Operation, in_flight: usize) -> Self {
        Received {
            operation,
            method: handshake.method.clone(),
            uri: handshake.uri.clone(),
            query: handshake.query.clone(),
            urls: handshake.urls.clone(),
            headers: handshake.headers.clone(),
            endpoint: handshake.endpoint.clone(),
            in_flight,
            body: OnceLock::new(),
            request_id: OnceLock::new(),
            status: OnceLock::new(),
        }
    }

    /// Returns whether the body was read, or the response is decided without it.
    pub(crate) fn was_read(&self) -> bool {
        self.body.get().is_some() || self.status.get().is_some()
    }

    /// Creates the request of a node of a workflow, with the options of the workflow's own.
    pub(crate) fn node(workflow: &Received, endpoint: &str, input: &Value) -> Self {
        let received =
            Received { endpoint: Some(endpoint.to_owned()), ..Received::message(workflow, Operation::WebSocketRun, 0) };
        let bytes = Bytes::from(input.to_string());
        let weight = weight(&bytes);
        received.set_message(bytes, Ok((input.clone(), weight)));
        received
    }

    /// Returns whether this is a message of a WebSocket, with the headers of its handshake.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.operation, Operation::RealtimeInput | Operation::WebSocketRun)
    }

    /// Returns whether the request asks for a WebSocket.
    pub(crate) fn is_websocket(&self) -> bool {
        is_websocket(&self.headers)
    }

    pub(crate) fn urls(&self) -> &Urls {
        &self.urls
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

    /// Returns the path with the query, as it was sent.
    #[cfg(feature = "record")]
    pub(crate) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", |target| target.as_str())
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns all parameters of the query, in order.
    pub(crate) fn query_pairs(&self) -> &[(String, String)] {
        &self.query
    }

    /// Returns the values of a query parameter that is repeated.
    pub(crate) fn query_all<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the values of a query parameter that is repeated, or has a comma between values.
    pub(crate) fn query_list<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.query_all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|value| !value.is_empty())
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns whether exactly one header says that the body is JSON. fal's models treat any other body as opaque bytes.
    pub(crate) fn declares_json(&self) -> bool {
        if self.is_message() {
            return true;
        }
        let mut types = self.headers.get_all(CONTENT_TYPE).iter();
        let only = types.next().filter(|_| types.next().is_none()).and_then(|value| value.to_str().ok());
        let media_type = only.and_then(|value| value.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        media_type.strip_prefix("application/").is_some_and(|subtype| {
            subtype == "json" || subtype.strip_suffix("+json").is_some_and(|prefix| !prefix.is_empty())
        })
    }

    /// Sets the body, once it was read.
    pub(crate) fn set_body(&self, bytes: Bytes) {
        let json = serde_json::from_slice(&bytes);
        let _ = self.body.set(Body { size: bytes.len() as u64, weight: weight(&bytes), bytes, json });
    }

    /// Sets the body of a message that was decoded, with the bytes that it takes in memory.
    pub(crate) fn set_message(&self, bytes: Bytes, decoded: Result<(Value, usize), serde_json::Error>) {
        let size = bytes.len() as u64;
        let (json, weight) = match decoded {
            Ok((json, weight)) => (Ok(json), weight),
            Err(error) => (Err(error), bytes.len()),
        };
        let _ = self.body.set(Body { size, weight, bytes, json });
    }

    /// Sets the size of a body that is an uploaded file.
    pub(crate) fn set_file_size(&self, size: u64) {
        let _ = self.body.set(Body { size, weight: 0, bytes: Bytes::new(), json: serde_json::from_slice(b"") });
    }

    /// Returns the bytes of the body, which are empty before it was read.
    pub(crate) fn bytes(&self) -> &Bytes {
        static EMPTY: Bytes = Bytes::new();
        self.body.get().map_or(&EMPTY, |body| &body.bytes)
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.body.get().map_or(&[], |body| &body.bytes)
    }

    /// Returns the body as JSON, or the error if it is not JSON. There is no error before the body was read.
    pub(crate) fn input(&self) -> Result<&Value, Option<&serde_json::Error>> {
        self.body.get().ok_or(None)?.json.as_ref().map_err(Some)
    }

    /// Returns the lifecycle for the uploaded file, or for the generated files. The first of two headers takes
    /// precedence.
    pub(crate) fn lifecycle(&self) -> Option<Lifecycle> {
        let header = |name| self.header(name).and_then(Lifecycle::parse);
        header("x-fal-object-lifecycle").or_else(|| header("x-fal-object-lifecycle-preference"))
    }

    /// Returns whether the query requests logs: `logs=1` or `logs=true`.
    pub(crate) fn wants_logs(&self) -> bool {
        self.query.iter().any(|(name, value)| name == "logs" && (value == "1" || value.eq_ignore_ascii_case("true")))
    }

    /// Returns the signature in the URL.
    pub(crate) fn signature(&self) -> Option<&str> {
        [Host::Cdn, Host::Gcs].iter().find_map(|host| self.query(host.signature_parameter()))
    }

    /// Returns the time within which the request has to start, if fal would accept the header. The newer of its two
    /// names takes precedence.
    pub(crate) fn start_timeout(&self) -> Option<Duration> {
        let seconds = self.start_seconds()?;
        Duration::try_from_secs_f64(seconds).ok().filter(|_| seconds > 0.1)
    }

    /// Returns whether the request clears the default start timeout of the application, with a 0.
    pub(crate) fn has_no_start_timeout(&self) -> bool {
        self.start_seconds() == Some(0.0)
    }

    fn start_seconds(&self) -> Option<f64> {
        let seconds = self.header("x-fal-request-start-timeout").or(self.header("x-fal-request-timeout"))?;
        seconds.trim().parse().ok()
    }

    /// Returns whether the payloads are stored: the client can switch it off.
    pub(crate) fn stores_payloads(&self) -> bool {
        self.header("x-fal-store-io") != Some("0")
    }

    /// Returns whether the request waits behind those of normal priority.
    pub(crate) fn is_low_priority(&self) -> bool {
        self.header("x-fal-queue-priority").is_some_and(|priority| priority.eq_ignore_ascii_case("low"))
    }

    /// Returns the queue length up to which the request may be accepted.
    pub(crate) fn max_queue_length(&self) -> Option<u64> {
        self.query("fal_max_queue_length")?.parse().ok()
    }

    pub(crate) fn set_request_id(&self, request_id: &str) {
        let _ = self.request_id.set(request_id.to_owned());
    }

    pub(crate) fn set_status(&self, status: u16) {
        let _ = self.status.set(status);
    }

    /// Returns the bytes in memory, which count towards the limit of the journal.
    pub(crate) fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let uri = self.path().len() + self.uri.query().map_or(0, str::len);
        uri + headers.sum::<usize>() + self.body.get().map_or(0, |body| body.weight)
    }
}

/// The most bytes that a body or a message may take in memory as JSON.
pub(crate) const MAX_WEIGHT: usize = 128 << 20;

/// Estimates the bytes that a body takes in memory, with its JSON: a small body can have many values.
pub(crate) fn weight(body: &[u8]) -> usize {
    let values = body.iter().map(|byte| match byte {
        b',' | b'[' | b'{' => 64,
        b':' => 128,
        _ => 0,
    });
    body.len() + values.sum::<usize>()
}

/// Returns whether headers ask for a WebSocket.
pub(crate) fn is_websocket(headers: &HeaderMap) -> bool {
    let has = |name: HeaderName, token: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    has(UPGRADE, "websocket") && has(CONNECTION, "upgrade")
}

/// Decodes the parameters of a query.
pub(crate) fn parse_query(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
