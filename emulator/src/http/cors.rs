//! Cross-origin requests. fal's hosts allow pages of every origin. Here, those that may call the emulator have been checked.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

use crate::response::reply::{self, Reply};

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Responds to the request of a browser that checks if a page may send another one. Returns `None` for other requests.
pub(super) fn preflight(head: &Parts) -> Option<Reply> {
    let asks = |name: HeaderName| head.headers.contains_key(name);
    if head.method != Method::OPTIONS || !asks(ORIGIN) || !asks(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut reply = reply::empty();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    allow(reply.headers_mut());
    let headers = reply.headers_mut();
    headers
        .insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    // `*` does not include `Authorization`.
    let requested = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(ANY);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, requested);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if asks(REQUEST_PRIVATE_NETWORK) {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    Some(reply)
}

/// Allows a page to read a response, and all of its headers.
pub(super) fn allow(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANY);
}
