use serde::Deserialize;
use serde_json::Value;

use super::json;

/// The keys of error bodies and of queue statuses. An object with any other key is not an envelope.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Envelope {
    detail: Value,
    error: Value,
    message: Value,
    status: Value,
    success: Value,
    response_url: Value,
    #[serde(rename = "cancel_url")]
    _cancel_url: Value,
    #[serde(rename = "code")]
    _code: Value,
    #[serde(rename = "error_code")]
    _error_code: Value,
    #[serde(rename = "error_type")]
    _error_type: Value,
    #[serde(rename = "logs")]
    _logs: Value,
    #[serde(rename = "metrics")]
    _metrics: Value,
    #[serde(rename = "queue_position")]
    _queue_position: Value,
    #[serde(rename = "request_id")]
    _request_id: Value,
    #[serde(rename = "status_code")]
    _status_code: Value,
    #[serde(rename = "status_url")]
    _status_url: Value,
    #[serde(rename = "title")]
    _title: Value,
    #[serde(rename = "type")]
    _type: Value,
}

/// Returns true for an error or a queue status in the place of an output: an object that consists of nothing else.
pub(crate) fn is_envelope(body: &[u8]) -> bool {
    // An array would be read by position. Reading an object stops at the first key of an output.
    !body.trim_ascii_start().starts_with(b"[")
        && json::from_slice(body).is_ok_and(|envelope: Envelope| envelope.is_error() || envelope.is_status())
}

impl Envelope {
    fn is_error(&self) -> bool {
        let has_failed = self
            .status
            .as_str()
            .is_some_and(|status| ["error", "failed", "failure", "not_found"].contains(&&*status.to_ascii_lowercase()));
        says(&self.detail) || says(&self.error) || has_failed || (self.success == false && says(&self.message))
    }

    fn is_status(&self) -> bool {
        match self.status.as_str() {
            Some("IN_QUEUE" | "IN_PROGRESS") => true,
            Some("COMPLETED") => self.response_url.is_string(),
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

fn says(value: &Value) -> bool {
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
