use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::json;

use super::bodies::ProxyBody;

/// Tells clients whether the request may be sent again: fal's own header.
const NEEDS_RETRY: HeaderName = HeaderName::from_static("x-fal-needs-retry");

/// A response of the proxy itself: a status, and a body `{"detail": …}` as fal's own errors have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    headers: Vec<(HeaderName, &'static str)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Refusal { status, detail: detail.into(), headers: Vec::new() }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Refusal::new(StatusCode::FORBIDDEN, detail)
    }

    /// Creates the refusal of a method, where another is allowed.
    pub(super) fn method(allowed: &'static str) -> Self {
        let detail = format!("the method is not allowed for this URL: use {allowed}");
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(ALLOW, allowed)
    }

    /// Creates the refusal of a request that was not forwarded, and that can be sent again after a second.
    pub(super) fn busy() -> Self {
        let detail = "too many requests of this proxy are in flight: try again later";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, detail).with(RETRY_AFTER, "1").retryable()
    }

    /// Says that fal has not received the request, so that it is safe to send it again.
    pub(super) fn retryable(self) -> Self {
        self.with(NEEDS_RETRY, "1")
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response<ProxyBody> {
        let body = json!({ "detail": self.detail }).to_string();
        let mut response = Response::new(ProxyBody::full(body));
        *response.status_mut() = self.status;
        let fixed = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
        for (name, value) in self.headers.into_iter().chain(fixed) {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
