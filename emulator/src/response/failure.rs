use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::response::reply::{self, Reply};

/// How a request ends that yields no output: what its result call answers, and what its status says.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    head: Box<Parts>,
    body: Bytes,
    /// The `error` of the queue status.
    pub(crate) error: String,
    /// The `error_type` of the queue status: what the platform, not the model, has to say.
    pub(crate) error_type: Option<String>,
}

impl Failure {
    /// The input breaks the schema; `detail` says where.
    pub(crate) fn invalid(detail: Vec<Value>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let mut failure = Failure::new(status, json!({ "detail": detail }), words(status), None);
        // A refused input costs nothing.
        failure.set("x-fal-billable-units", "0");
        failure
    }

    /// The caller took the request back.
    pub(crate) fn cancelled() -> Self {
        // Not in the registry, so there is no constant for it.
        let status = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        Failure::request(status, "client_cancelled", "Request was cancelled by the client".to_owned())
    }

    /// The request did not start in the time that the caller gave it.
    pub(crate) fn late() -> Self {
        let detail = "Request did not start within the requested time".to_owned();
        let mut failure = Failure::request(StatusCode::GATEWAY_TIMEOUT, "request_timeout", detail);
        failure.set("x-fal-request-timeout-type", "user");
        failure
    }

    /// The emulator itself is at a loss.
    pub(crate) fn internal(reason: String) -> Self {
        Failure::request(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", reason)
    }

    /// What a test ordered.
    pub(crate) fn ordered(head: Parts, body: Bytes) -> Self {
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let header = head.headers.get("x-fal-error-type").and_then(|header| header.to_str().ok());
        let error_type = json.get("error_type").and_then(Value::as_str).or(header).map(str::to_owned);
        // The platform says what happened, a model only that something did.
        let detail = json.get("detail").and_then(Value::as_str).filter(|_| error_type.is_some());
        let error = detail.map_or_else(|| words(head.status), str::to_owned);
        Failure { head: Box::new(head), body, error, error_type }
    }

    fn request(status: StatusCode, error_type: &'static str, detail: String) -> Self {
        let body = json!({ "detail": detail, "error_type": error_type });
        let mut failure = Failure::new(status, body, detail, Some(error_type.to_owned()));
        failure.set("x-fal-error-type", error_type);
        failure
    }

    fn new(status: StatusCode, body: Value, error: String, error_type: Option<String>) -> Self {
        let (head, _) = reply::json(status, &Value::Null).into_parts();
        Failure { head: Box::new(head), body: body.to_string().into(), error, error_type }
    }

    fn set(&mut self, name: &'static str, value: &'static str) {
        let name = HeaderName::from_static(name);
        self.head.headers.insert(name, HeaderValue::from_static(value));
    }

    pub(crate) fn reply(&self) -> Reply {
        Response::from_parts((*self.head).clone(), reply::full(self.body.clone()))
    }
}

/// How the queue speaks of a model's failure.
fn words(status: StatusCode) -> String {
    format!("Invalid status code: {}", status.as_u16())
}
