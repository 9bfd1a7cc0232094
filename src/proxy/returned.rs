//! The headers of fal's response that the proxy returns.

use http::header::{
    ALT_SVC, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, LOCATION, PROXY_AUTHENTICATE, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::forwarded::is_of_connection;

/// Headers that are about the connection, or about the host that the browser believes to talk to. `x-fal-cdn-token` opens
/// the account's files.
fn is_dropped(name: &HeaderName) -> bool {
    let dropped = [
        ALT_SVC,
        CONNECTION,
        CONTENT_LENGTH,
        LOCATION,
        PROXY_AUTHENTICATE,
        SET_COOKIE,
        STRICT_TRANSPORT_SECURITY,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        WWW_AUTHENTICATE,
    ];
    let others = [
        "clear-site-data",
        "keep-alive",
        "nel",
        "proxy-connection",
        "report-to",
        "reporting-endpoints",
        "set-cookie2",
        "x-fal-cdn-token",
    ];
    // Whether a page may read a response is the concern of the server, and of a CORS layer before the proxy.
    let is_cors = name.as_str().starts_with("access-control-");
    dropped.contains(name) || others.contains(&name.as_str()) || is_cors
}

/// Returns the headers to return. `length` is the length of the body, if it is known.
pub(super) fn headers(fal: &HeaderMap, length: Option<u64>) -> HeaderMap {
    let kept = fal.iter().filter(|(name, _)| !is_dropped(name) && !is_of_connection(fal, name));
    let mut headers: HeaderMap = kept.fold(HeaderMap::new(), |mut headers, (name, value)| {
        headers.append(name, value.clone());
        headers
    });
    // All requests have the same URL, so that a cache would mix them up.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    headers
}
