//! The frames of a direct run over a WebSocket connection (fal's protocol for `ws.fal.run`).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::protocol::RawResponse;

/// A text frame about a response. Any other frame is a part of the body.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum RunFrame {
    Start { request_id: String, status: u16, headers: Option<BTreeMap<String, Value>> },
    End { request_id: String },
}

impl RunFrame {
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Creates the response whose body follows. `None` if its status is invalid.
pub(super) fn head(request_id: &str, status: u16, headers: BTreeMap<String, Value>) -> Option<RawResponse> {
    let mut map = HeaderMap::new();
    for (name, value) in &headers {
        let Ok(name) = HeaderName::try_from(name.as_str()) else { continue };
        let values = match value {
            Value::Array(values) => &values[..],
            value => std::slice::from_ref(value),
        };
        for value in values {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if let Ok(value) = HeaderValue::try_from(text) {
                map.append(name.clone(), value);
            }
        }
    }
    if let Ok(id) = HeaderValue::try_from(request_id) {
        map.entry("x-fal-request-id").or_insert(id);
    }
    // The frames have the body as it is.
    map.remove(http::header::CONTENT_ENCODING);
    Some(RawResponse { status: StatusCode::from_u16(status).ok()?, headers: map, body: Bytes::new() })
}
