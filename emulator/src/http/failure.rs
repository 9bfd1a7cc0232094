use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::{Value, json};

use super::reply::{self, Reply};

/// How a request ends that yields no output: what its result call answers, and what its status says.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    body: Value,
    /// The `error` of the queue status.
    pub(crate) error: String,
    /// The `error_type` of the queue status: what the platform, not the model, has to say.
    pub(crate) error_type: Option<&'static str>,
}

impl Failure {
    /// The input breaks the schema; `detail` says where.
    pub(crate) fn invalid(detail: Vec<Value>) -> Self {
        Failure {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: json!({ "detail": detail }),
            error: "Invalid status code: 422".to_owned(),
            error_type: None,
        }
    }

    /// The caller took the request back.
    pub(crate) fn cancelled() -> Self {
        // Not in the registry, so there is no constant for it.
        let status = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        Failure::request(status, "client_cancelled", "Request was cancelled by the client".to_owned())
    }

    /// The emulator itself is at a loss.
    pub(crate) fn internal(reason: String) -> Self {
        Failure::request(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", reason)
    }

    fn request(status: StatusCode, error_type: &'static str, detail: String) -> Self {
        Failure {
            status,
            body: json!({ "detail": detail, "error_type": error_type }),
            error: detail,
            error_type: Some(error_type),
        }
    }

    pub(crate) fn reply(&self) -> Reply {
        let reply = reply::json(self.status, &self.body);
        match self.error_type {
            Some(error_type) => reply::with_header(reply, HeaderName::from_static("x-fal-error-type"), error_type),
            // A refused input costs nothing.
            None => reply::with_header(reply, HeaderName::from_static("x-fal-billable-units"), "0"),
        }
    }
}
