use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::response::reply::{self, Reply};

/// The outcome of a request without an output: the response to its result request, and the error in its status.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    head: Box<Parts>,
    body: Bytes,
    /// The `error` of the queue status.
    pub(crate) error: String,
    /// The `error_type` of the queue status. Only errors of the platform have one, errors of a model do not.
    pub(crate) error_type: Option<String>,
    /// A test injected it.
    is_injected: bool,
}

/// The record of a failure in the state file.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SavedFailure {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    error: String,
    error_type: Option<String>,
    is_injected: bool,
}

impl Failure {
    /// The input is invalid. `detail` lists the violations.
    pub(crate) fn invalid(detail: Vec<Value>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let mut failure = Failure::new(status, json!({ "detail": detail }), status_error(status), None);
        // An invalid input is not billed.
        failure.set("x-fal-billable-units", "0");
        failure
    }

    /// A header of the request is invalid, which is found before the model starts.
    pub(crate) fn invalid_header(detail: String) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let mut failure = Failure::new(status, json!({ "detail": detail }), status_error(status), None);
        failure.set("x-fal-billable-units", "0");
        failure
    }

    /// The client cancelled the request.
    pub(crate) fn cancelled() -> Self {
        Failure::request(client_closed(), "client_cancelled", "Request was cancelled by the client".to_owned())
    }

    /// The client of a direct run closed its connection. Only the history of requests shows it.
    pub(crate) fn disconnected() -> Self {
        Failure::request(client_closed(), "client_disconnected", "The client disconnected".to_owned())
    }

    /// The request did not start within its start timeout.
    pub(crate) fn start_timeout() -> Self {
        let detail = "Request did not start within the requested time".to_owned();
        let mut failure = Failure::request(StatusCode::GATEWAY_TIMEOUT, "request_timeout", detail);
        failure.set("x-fal-request-timeout-type", "user");
        failure
    }

    /// A direct run exceeds the limit of concurrency.
    pub(crate) fn concurrency() -> Self {
        let detail = "Too many requests are running at a time. Wait until one ends, or submit to the queue".to_owned();
        let mut failure = Failure::request(StatusCode::TOO_MANY_REQUESTS, "concurrent_requests_limit", detail);
        failure.set("x-fal-needs-retry", "1");
        failure
    }

    /// The payloads of the request were deleted.
    pub(crate) fn deleted() -> Self {
        let (status, detail) = (StatusCode::NOT_FOUND, "The payloads of this request were deleted");
        Failure::new(status, json!({ "detail": detail }), status_error(status), None)
    }

    /// The result is kept no longer.
    pub(crate) fn expired() -> Self {
        let (status, detail) = (StatusCode::NOT_FOUND, "The result of this request has expired");
        Failure::new(status, json!({ "detail": detail }), status_error(status), None)
    }

    /// An error of the emulator itself.
    pub(crate) fn internal(reason: String) -> Self {
        Failure::request(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", reason)
    }

    /// The outcome that a test injected.
    pub(crate) fn injected(head: Parts, body: Bytes) -> Self {
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let header = head.headers.get("x-fal-error-type").and_then(|header| header.to_str().ok());
        let error_type = json.get("error_type").and_then(Value::as_str).or(header).map(str::to_owned);
        // The status shows the detail of a platform error. Of a model error it only shows the status code.
        let detail = json.get("detail").and_then(Value::as_str).filter(|_| error_type.is_some());
        let error = detail.map_or_else(|| status_error(head.status), str::to_owned);
        Failure { head: Box::new(head), body, error, error_type, is_injected: true }
    }

    fn request(status: StatusCode, error_type: &'static str, detail: String) -> Self {
        let body = json!({ "detail": detail, "error_type": error_type });
        let mut failure = Failure::new(status, body, detail, Some(error_type.to_owned()));
        failure.set("x-fal-error-type", error_type);
        failure
    }

    fn new(status: StatusCode, body: Value, error: String, error_type: Option<String>) -> Self {
        let (head, _) = reply::json(status, &Value::Null).into_parts();
        Failure { head: Box::new(head), body: body.to_string().into(), error, error_type, is_injected: false }
    }

    fn set(&mut self, name: &'static str, value: &'static str) {
        let name = HeaderName::from_static(name);
        self.head.headers.insert(name, HeaderValue::from_static(value));
    }

    pub(crate) fn is_injected(&self) -> bool {
        self.is_injected
    }

    /// Returns the record of the failure.
    pub(crate) fn save(&self) -> SavedFailure {
        let header =
            |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
        SavedFailure {
            status: self.head.status.as_u16(),
            headers: self.head.headers.iter().filter_map(header).collect(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
            error: self.error.clone(),
            error_type: self.error_type.clone(),
            is_injected: self.is_injected,
        }
    }

    /// Returns the failure of a record, or `None` if the record is invalid.
    #[cfg(feature = "state")]
    pub(crate) fn restore(saved: SavedFailure) -> Option<Self> {
        let SavedFailure { status, headers, body, error, error_type, is_injected } = saved;
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        let (head, ()) = response.body(()).ok()?.into_parts();
        Some(Failure { head: Box::new(head), body: body.into(), error, error_type, is_injected })
    }

    /// Returns the output that a test injected in place of the endpoint's own.
    pub(crate) fn output(&self) -> Option<Value> {
        self.head.status.is_success().then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// Returns the reason of the failure in one line, for a realtime error.
    pub(crate) fn reason(&self) -> String {
        reason(&self.body)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Returns the billable units that the response states.
    pub(crate) fn billable_units(&self) -> Option<&str> {
        self.head.headers.get("x-fal-billable-units")?.to_str().ok()
    }

    /// Returns the body as JSON, or as a string if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| String::from_utf8_lossy(&self.body).into())
    }

    pub(crate) fn reply(&self) -> Reply {
        Response::from_parts((*self.head).clone(), reply::full(self.body.clone()))
    }
}

/// Returns the reason in the body of an error, in one line.
pub(crate) fn reason(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match json.get("detail") {
        Some(Value::Array(violations)) => {
            let line = |violation: &Value| {
                let loc: Vec<String> = violation["loc"].as_array().into_iter().flatten().map(text).collect();
                format!("{}: {}", loc.join("."), text(&violation["msg"]))
            };
            violations.iter().map(line).collect::<Vec<_>>().join("; ")
        }
        Some(detail) => text(detail),
        None => String::from_utf8_lossy(body).into_owned(),
    }
}

/// Returns the status 499. It is not registered, so `hyper` has no constant for it.
fn client_closed() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

/// Returns the error that the queue status shows for a model's failure.
fn status_error(status: StatusCode) -> String {
    format!("Invalid status code: {}", status.as_u16())
}
