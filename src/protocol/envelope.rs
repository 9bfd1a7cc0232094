use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::json;

/// The keys of error bodies and of queue statuses.
const KEYS: [&str; 28] = [
    "cancel_url",
    "code",
    "detail",
    "error",
    "errorCode",
    "errorMessage",
    "error_code",
    "error_message",
    "error_type",
    "errors",
    "logs",
    "message",
    "metrics",
    "msg",
    "ok",
    "path",
    "queue_position",
    "reason",
    "request_id",
    "response_url",
    "status",
    "statusCode",
    "status_code",
    "status_url",
    "success",
    "timestamp",
    "title",
    "type",
];

/// An object that consists of the keys of errors and statuses. Its other fields are null.
struct Envelope(Map<String, Value>);

/// Returns true for an error or a queue status in the place of an output: an object that consists of nothing else.
pub(crate) fn is_envelope(body: &[u8]) -> bool {
    json::from_slice(body).is_ok_and(|envelope: Envelope| is_error(&envelope.0) || envelope.is_status())
}

/// Returns true for an error in the place of an output: an object that consists of nothing else.
pub(crate) fn is_error_body(body: &[u8]) -> bool {
    json::from_slice(body).is_ok_and(|envelope: Envelope| is_error(&envelope.0))
}

/// Returns true for an object that [`is_error_body`].
pub(super) fn is_only_error(object: &Map<String, Value>) -> bool {
    object.iter().all(|(key, value)| KEYS.contains(&&**key) || value.is_null()) && is_error(object)
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EnvelopeVisitor;

        impl<'de> Visitor<'de> for EnvelopeVisitor {
            type Value = Envelope;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error or a status")
            }

            // Ends at the first value of an output, which may be large.
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Envelope, A::Error> {
                let mut fields = Map::new();
                while let Some(key) = object.next_key::<String>()? {
                    if KEYS.contains(&&*key) {
                        fields.insert(key, object.next_value()?);
                    } else {
                        object.next_value::<()>()?;
                    }
                }
                Ok(Envelope(fields))
            }
        }

        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

/// Returns true if the keys of an error say something.
fn is_error(object: &Map<String, Value>) -> bool {
    let value = |name: &str| object.get(name).unwrap_or(&Value::Null);
    let has_failed = value("status")
        .as_str()
        .is_some_and(|status| ["error", "failed", "failure", "not_found"].contains(&&*status.to_ascii_lowercase()));
    let is_refused = ["success", "ok"].iter().any(|name| *value(name) == false);
    let has_code = ["status", "status_code", "statusCode", "code"]
        .iter()
        .any(|name| value(name).as_u64().is_some_and(|code| (400..=599).contains(&code)));
    let has = |names: &[&str]| names.iter().any(|name| says(value(name)));
    has_failed
        || is_refused
        || has(&["detail", "error", "errors"])
        || has_code && has(&["message", "msg", "title", "reason"])
}

impl Envelope {
    fn is_status(&self) -> bool {
        let status = self.0.get("status").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        match &*status {
            "IN_QUEUE" | "IN_PROGRESS" => true,
            "COMPLETED" => self.0.get("response_url").is_some_and(Value::is_string),
            _ => false,
        }
    }
}

/// Returns true for an object with other keys that has an error, too.
pub(crate) fn has_error(body: &[u8]) -> bool {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Errors {
        detail: Value,
        error: Value,
    }
    json::from_slice(body).is_ok_and(|errors: Errors| says(&errors.detail) || says(&errors.error))
}

/// Returns true if the value of an error's field says something.
pub(super) fn says(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_statuses_are_envelopes() {
        for body in [
            r#"{"detail":"Path /x not found"}"#,
            r#"{"detail":[{"loc":["body","prompt"],"msg":"flagged","type":"content_policy_violation"}]}"#,
            r#"{"detail":{"msg":"x"},"error_type":"bad_request","request_id":"R"}"#,
            r#"{"error":{"message":"no money","type":"payment"}}"#,
            r#"{"error":"x \ud83e"}"#,
            r#"{"status":"error","message":"no face found"}"#,
            r#"{"status":"NOT_FOUND"}"#,
            r#"{"success":false,"message":"no face found"}"#,
            r#"{"success":false}"#,
            r#"{"ok":false,"error":"no face found"}"#,
            r#"{"error":"no face found","images":null,"seed":null}"#,
            r#"{"errors":[{"message":"no face found"}]}"#,
            r#"{"message":"no balance","code":402}"#,
            r#"{"type":"about:blank","title":"Out of credit","status":403}"#,
            r#"{"timestamp":"2026-01-01","status":500,"error":"Internal","path":"/x"}"#,
            r#"{"status":"in_progress"}"#,
            r#"{"status":"IN_PROGRESS","request_id":"R1"}"#,
            r#"{"status":"IN_QUEUE","queue_position":0,"logs":null}"#,
            r#"{"status":"COMPLETED","response_url":"https://queue.fal.run/a/b/requests/R","metrics":{}}"#,
        ] {
            assert!(is_envelope(body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn outputs_are_not_envelopes() {
        for body in [
            "{}",
            "null",
            r#""text""#,
            r#"["detail"]"#,
            r#"{"message":"hello"}"#,
            r#"{"status":"done"}"#,
            r#"{"status":"COMPLETED"}"#,
            r#"{"status":200,"message":"hello"}"#,
            r#"{"message":"hello","code":7}"#,
            r#"{"code":500}"#,
            r#"{"error":"partial","images":[]}"#,
            r#"{"success":true,"message":"hello"}"#,
            r#"{"success":false,"score":0.1}"#,
            r#"{"error":null,"message":"hello"}"#,
            r#"{"error":"","detail":[]}"#,
            r#"{"output":"a","error":"partial"}"#,
            r#"{"error":"partial","output":"a"}"#,
        ] {
            assert!(!is_envelope(body.as_bytes()), "{body}");
        }
        assert!(has_error(br#"{"detail":"x","now":1}"#) && !has_error(br#"{"error":null,"now":1}"#));
    }
}
