use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{HeaderMap, Response, StatusCode};

use crate::response::reply::{self, Reply};

/// A response that a fault defines.
#[derive(Clone, Debug)]
pub(super) struct FaultResponse {
    pub(super) status: u16,
    content_type: &'static str,
    pub(super) body: Bytes,
}

impl FaultResponse {
    pub(super) fn new(status: u16, content_type: &'static str, body: String) -> Self {
        FaultResponse { status, content_type, body: body.into() }
    }

    pub(super) fn reply(&self, headers: &[(String, String)]) -> Reply {
        match self.head(headers) {
            Ok(head) => Response::from_parts(head, reply::full(self.body.clone())),
            Err(reason) => invalid_fault(&reason),
        }
    }

    /// Returns status and headers, or why they are invalid.
    pub(super) fn head(&self, headers: &[(String, String)]) -> Result<Parts, String> {
        let mut head = Response::new(()).into_parts().0;
        head.status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| (200..600).contains(&status.as_u16()))
            .ok_or_else(|| format!("status {} is not from 200 to 599", self.status))?;
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
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
