//! Errors in the platform API's own format.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::random;
use crate::response::refusal::Refusal;

/// Returns the body of an error with a status.
pub(crate) fn body(status: u16, message: &str) -> Value {
    let error_type = match status {
        401 | 403 => "authorization_error",
        404 => "not_found",
        429 => "rate_limited",
        501 => "not_implemented",
        500.. => "server_error",
        _ => "validation_error",
    };
    let error = json!({
        "type": error_type,
        "message": message,
        "docs_url": "https://fal.ai/docs/platform-apis",
        "request_id": random::uuid(),
    });
    json!({ "error": error })
}

pub(crate) fn refusal(status: StatusCode, message: &str) -> Refusal {
    Refusal::Json(status, body(status.as_u16(), message))
}

pub(crate) fn invalid(message: &str) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, message)
}

pub(crate) fn not_found(message: &str) -> Refusal {
    refusal(StatusCode::NOT_FOUND, message)
}
