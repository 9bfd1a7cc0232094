use std::borrow::Cow;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::json;

use crate::platform::error;
use crate::response::reply::{self, Body, Reply};

/// A response that a fault defines.
#[derive(Clone, Debug)]
pub(super) struct FaultResponse {
    pub(super) status: u16,
    content_type: Cow<'static, str>,
    /// The parts of the body, which are sent one by one.
    chunks: Vec<Bytes>,
    /// The body follows from the status.
    has_default_body: bool,
}

impl FaultResponse {
    pub(super) fn new(status: u16, content_type: impl Into<Cow<'static, str>>, chunks: Vec<Bytes>) -> Self {
        FaultResponse { status, content_type: content_type.into(), chunks, has_default_body: false }
    }

    /// Creates a response with the reason phrase of a status.
    pub(super) fn of_status(status: u16) -> Self {
        let body = json!({ "detail": reason(status) });
        let response = FaultResponse::new(status, "application/json", vec![body.to_string().into()]);
        FaultResponse { has_default_body: true, ..response }
    }

    /// Replaces the body that follows from the status by the one of the platform API.
    pub(super) fn set_platform_error(&mut self) {
        if self.has_default_body && self.status >= 400 {
            self.chunks = vec![error::body(self.status, reason(self.status)).to_string().into()];
        }
    }

    pub(super) fn body(&self) -> Bytes {
        match self.chunks.as_slice() {
            [body] => body.clone(),
            chunks => chunks.concat().into(),
        }
    }

    pub(super) fn reply(&self, headers: &[(String, String)]) -> Reply {
        match self.head(headers) {
            Ok(head) => Response::from_parts(head, self.reply_body()),
            Err(reason) => invalid_fault(&reason),
        }
    }

    fn reply_body(&self) -> Body {
        if let [body] = self.chunks.as_slice() {
            return reply::full(body.clone());
        }
        let chunks = stream::iter(self.chunks.clone()).then(|chunk| async {
            // hyper sends the earlier chunks when the body makes it wait.
            tokio::task::yield_now().await;
            Ok(Frame::data(chunk))
        });
        StreamBody::new(chunks).boxed_unsync()
    }

    /// Returns status and headers, or why they are invalid.
    pub(super) fn head(&self, headers: &[(String, String)]) -> Result<Parts, String> {
        let mut head = Response::new(()).into_parts().0;
        head.status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| (200..600).contains(&status.as_u16()))
            .ok_or_else(|| format!("status {} is not from 200 to 599", self.status))?;
        let content_type = HeaderValue::from_str(&self.content_type)
            .map_err(|_| format!("`{}` is not a valid content type", self.content_type.escape_debug()))?;
        head.headers.insert(CONTENT_TYPE, content_type);
        insert(&mut head.headers, headers)?;
        Ok(head)
    }
}

/// Adds headers to a response.
pub(super) fn with_headers(mut reply: Reply, headers: &[(String, String)]) -> Reply {
    match insert(reply.headers_mut(), headers) {
        Ok(()) => reply,
        Err(reason) => invalid_fault(&reason),
    }
}

fn insert(all: &mut HeaderMap, headers: &[(String, String)]) -> Result<(), String> {
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) else {
            return Err(format!("`{name}: {value}` is not a valid header"));
        };
        all.insert(name, value);
    }
    Ok(())
}

/// A fault is defined by a test, so the test's client gets the error.
fn invalid_fault(reason: &str) -> Reply {
    reply::detail(StatusCode::INTERNAL_SERVER_ERROR, &invalid(reason))
}

pub(super) fn invalid(reason: &str) -> String {
    format!("invalid fault: {reason}")
}

/// Returns the reason phrase of a status.
pub(super) fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("A fault was injected")
}

/// Returns the status of one of the platform's error types, and whether fal recommends a retry.
pub(super) fn request_error(error_type: &str) -> (u16, bool) {
    match error_type {
        "request_timeout" | "startup_timeout" => (504, true),
        "runner_scheduling_failure"
        | "runner_connection_timeout"
        | "runner_disconnected"
        | "runner_connection_refused"
        | "runner_connection_error" => (503, true),
        "runner_incomplete_response" => (502, true),
        "client_disconnected" | "client_cancelled" => (499, false),
        "bad_request" => (400, false),
        "concurrent_requests_limit" => (429, true),
        _ => (500, false),
    }
}
