//! A whole response, and the parsing of error bodies and of fal's headers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use super::field_error::FieldError;

/// A response with its whole body.
#[derive(Clone, Debug)]
pub(crate) struct RawResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The parsed contents of an error's body.
#[derive(Debug, Default)]
pub(crate) struct Detail {
    pub(crate) message: Option<String>,
    pub(crate) field_errors: Vec<FieldError>,
}

/// The union of all known shapes of an error's body: `{"detail": string or array}`, `{"status": "NOT_FOUND"}`,
/// `{"message": …}`, and the platform API's `{"error": {"message": …}}`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shapes {
    detail: Value,
    error: Value,
    error_type: Value,
    message: Value,
    status: Value,
}

impl RawResponse {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
    }

    pub(crate) fn request_id(&self) -> Option<String> {
        self.header("x-fal-request-id").map(str::to_owned)
    }

    pub(crate) fn is_user_timeout(&self) -> bool {
        self.status == StatusCode::GATEWAY_TIMEOUT && self.header("x-fal-request-timeout-type") == Some("user")
    }

    /// Returns true if the request may succeed later. fal's header decides, in either spelling; else the status.
    pub(crate) fn needs_retry(&self) -> bool {
        let header = self.header("x-fal-needs-retry").or_else(|| self.header("x-fal-retryable"));
        match header.map(str::to_ascii_lowercase).as_deref() {
            Some("1" | "true" | "yes") => true,
            Some("0" | "false" | "no") => false,
            _ => !self.is_user_timeout() && matches!(self.status.as_u16(), 429 | 502 | 503 | 504),
        }
    }

    /// The delay of `Retry-After`, given in seconds or as a date.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let value = self.header(RETRY_AFTER.as_str())?;
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO))
    }

    /// The error type from the body, else from the header, else from the first field error.
    pub(crate) fn error_type(&self) -> Option<String> {
        let shapes = self.shapes();
        let platform_error = shapes.error.get("type");
        let in_body = shapes.error_type.as_str().or(platform_error.and_then(Value::as_str));
        let from_first_field = || {
            let first = self.detail().field_errors.into_iter().next()?;
            Some(first.error_type.to_string()).filter(|error_type| !error_type.is_empty())
        };
        in_body.or_else(|| self.header("x-fal-error-type")).map(str::to_owned).or_else(from_first_field)
    }

    pub(crate) fn detail(&self) -> Detail {
        let shapes = self.shapes();
        let field_errors: Vec<FieldError> = match &shapes.detail {
            Value::Array(items) => items.iter().filter_map(FieldError::parse).collect(),
            _ => Vec::new(),
        };
        let from_fields = || {
            let lines: Vec<String> = field_errors.iter().map(FieldError::to_string).collect();
            (!lines.is_empty()).then(|| lines.join("; "))
        };
        let candidates = [
            shapes.detail.as_str(),
            shapes.detail.get("msg").and_then(Value::as_str),
            shapes.message.as_str(),
            shapes.error.as_str(),
            shapes.error.get("message").and_then(Value::as_str),
            shapes.status.as_str(),
        ];
        let message =
            from_fields().or_else(|| candidates.into_iter().flatten().next().map(str::to_owned)).or_else(|| {
                let raw = String::from_utf8_lossy(&self.body);
                Some(raw.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|raw| !raw.is_empty())
            });
        Detail { message, field_errors }
    }

    fn shapes(&self) -> Shapes {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
