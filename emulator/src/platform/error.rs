use hyper::StatusCode;
use serde_json::{Value, json};

use crate::random;
use crate::response::refusal::Refusal;

/// The type of an error of the platform API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorType {
    Authorization,
    Validation,
    NotFound,
}

/// Rejects a request in the platform API's own format.
pub(crate) fn refusal(status: StatusCode, error_type: ErrorType, message: &str) -> Refusal {
    let error_type = match error_type {
        ErrorType::Authorization => "authorization_error",
        ErrorType::Validation => "validation_error",
        ErrorType::NotFound => "not_found",
    };
    Refusal::Json(status, body(error_type, message))
}

/// Returns the body of an error.
pub(crate) fn body(error_type: &str, message: &str) -> Value {
    let error = json!({
        "type": error_type,
        "message": message,
        "docs_url": "https://fal.ai/docs/platform-apis",
        "request_id": random::uuid(),
    });
    json!({ "error": error })
}

pub(crate) fn invalid(message: &str) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, ErrorType::Validation, message)
}

pub(crate) fn not_found(message: &str) -> Refusal {
    refusal(StatusCode::NOT_FOUND, ErrorType::NotFound, message)
}
