//! The headers of a request: which of the caller's are forwarded, and which the proxy adds.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT,
    FORWARDED, HOST, ORIGIN, PROXY_AUTHORIZATION, REFERER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::operation::Operation;
use super::refusal::Refusal;
use crate::transport::{AGENT, TARGET_URL};

/// The headers of fal that are forwarded. They concern the caller's own request: its priority, its deadline, where it runs,
/// and the lifetime of its files. All others could change what the account keeps, pays or sees, such as `x-fal-user-id`,
/// `x-fal-tags`, `x-fal-store-io`, `x-fal-retry-config` and `x-app-fal-upload-policy`.
const FORWARDED_HEADERS: [&str; 8] = [
    "x-app-fal-disable-fallback",
    "x-fal-no-retry",
    "x-fal-object-lifecycle",
    "x-fal-object-lifecycle-preference",
    "x-fal-queue-priority",
    "x-fal-request-start-timeout",
    "x-fal-request-timeout",
    "x-fal-runner-hint",
];

/// The header that names the proxy to fal, as fal's own proxies do.
const CLIENT_PROXY: HeaderName = HeaderName::from_static("x-fal-client-proxy");

/// Returns true if a header is never forwarded, whatever the settings say.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    let reserved = [
        ACCEPT_ENCODING,
        AUTHORIZATION,
        CONNECTION,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_TYPE,
        COOKIE,
        EXPECT,
        FORWARDED,
        HOST,
        ORIGIN,
        PROXY_AUTHORIZATION,
        REFERER,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        USER_AGENT,
        CLIENT_PROXY,
    ];
    reserved.contains(name)
        || [TARGET_URL, "x-fal-user-id", "keep-alive", "proxy-connection", "x-forwarded-for"].contains(&name.as_str())
}

/// Returns true if the header `Connection` says that another one is not to be forwarded.
pub(super) fn is_of_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|names| names.split(',')).any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
}

/// Returns the headers to forward. `extra` are further names of the settings.
pub(super) fn headers(caller: &HeaderMap, operation: Operation, extra: &[HeaderName], is_stream: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let names = FORWARDED_HEADERS.map(HeaderName::from_static);
    for name in names.iter().chain(extra).chain([&ACCEPT]).filter(|name| !is_of_connection(caller, name)) {
        // A name of the settings may be one of the others.
        headers.remove(name);
        for value in caller.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    if !headers.contains_key(ACCEPT) {
        let accept = if is_stream { "text/event-stream" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
    }
    if operation.has_body() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(CLIENT_PROXY, HeaderValue::from_static(concat!("fal-client/", env!("CARGO_PKG_VERSION"))));
    headers
}

/// Requires that a body is declared as plain JSON, exactly once. A model cannot read any other.
pub(super) fn check_content_type(caller: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |detail| Err(Refusal::new(http::StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    let mut types = caller.get_all(CONTENT_TYPE).iter();
    let (content_type, is_single) = (types.next(), types.next().is_none());
    let essence = content_type.and_then(|value| value.to_str().ok()?.split(';').next());
    if !is_single || !essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
        return unsupported("the request needs the header `Content-Type: application/json`");
    }
    let is_plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    match caller.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        true => Ok(()),
        false => unsupported("the body is compressed: send it without `Content-Encoding`"),
    }
}

pub(super) fn too_large(limit: u64) -> Refusal {
    let detail =
        format!("the body exceeds the limit of {limit} bytes: upload files instead of sending them in the input");
    Refusal::new(http::StatusCode::PAYLOAD_TOO_LARGE, detail)
}
