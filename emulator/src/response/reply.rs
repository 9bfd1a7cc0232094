use std::fmt;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

pub(crate) type Body = UnsyncBoxBody<Bytes, Dropped>;
pub(crate) type Reply = Response<Body>;

/// The connection is closed on purpose, before a response or in the middle of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection closed by an injected fault")
    }
}

impl std::error::Error for Dropped {}

/// Responds with a JSON value.
pub(crate) fn json(status: StatusCode, value: &Value) -> Reply {
    bytes(status, "application/json", value.to_string().into())
}

/// Responds with `{"detail": "text"}`, the format of the gateway's errors.
pub(crate) fn detail(status: StatusCode, text: &str) -> Reply {
    json(status, &json!({ "detail": text }))
}

/// Responds with `{"status": "WORD"}`, the format of the queue's own responses.
pub(crate) fn word(status: StatusCode, word: &str) -> Reply {
    json(status, &json!({ "status": word }))
}

/// Responds with bytes of a content type.
fn bytes(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(full(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// Responds with 200, without a body.
pub(crate) fn empty() -> Reply {
    Response::new(full(Bytes::new()))
}

/// Responds as S3 does for a missing key.
pub(crate) fn no_object() -> Reply {
    const BODY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
        <Message>The specified key does not exist.</Message></Error>";
    bytes(StatusCode::NOT_FOUND, "application/xml", Bytes::from_static(BODY.as_bytes()))
}

/// Responds with a stream of server-sent events.
pub(crate) fn events(body: Body) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

/// Adds a header to a response. A value that is not a valid header value is left out.
pub(crate) fn with_header(mut reply: Reply, name: HeaderName, value: &str) -> Reply {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
    reply
}

/// Adds the id of the fal request that a response is about.
pub(crate) fn with_request_id(reply: Reply, request_id: &str) -> Reply {
    with_header(reply, HeaderName::from_static("x-fal-request-id"), request_id)
}

/// Makes a body of bytes that are in memory.
pub(crate) fn full(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}
