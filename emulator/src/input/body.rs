use fal_documents::validate::Violation;
use serde_json::{Value, json};

/// Returns the violations of a body that is not JSON.
pub(crate) fn unreadable(body: &[u8], error: Option<&serde_json::Error>) -> Vec<Value> {
    let Some(error) = error.filter(|_| !body.is_empty()) else {
        return vec![Violation::new("missing", "Field required").detail(json!(["body"]), Some(&Value::Null))];
    };
    let violation = Violation::new("json_invalid", "JSON decode error").with("error", json!(error.to_string()));
    vec![violation.detail(json!(["body", offset(body, error)]), Some(&json!({})))]
}

/// Returns the violation of a body that is not declared as JSON.
pub(crate) fn opaque(body: &[u8]) -> Vec<Value> {
    let words = "Input should be a valid dictionary or object to extract fields from";
    let body = Value::from(String::from_utf8_lossy(body));
    vec![Violation::new("model_attributes_type", words).detail(json!(["body"]), Some(&body))]
}

/// Returns the offset in a body at which parsing failed, in bytes.
fn offset(body: &[u8], error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return body.len();
    }
    let line = error.line().saturating_sub(1);
    let before: usize = body.split_inclusive(|byte| *byte == b'\n').take(line).map(<[u8]>::len).sum();
    (before + error.column().saturating_sub(1)).min(body.len())
}
