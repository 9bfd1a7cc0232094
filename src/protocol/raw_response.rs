//! A whole response, and the parsing of error bodies and of fal's headers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
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
    request_id: Value,
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

    /// Returns true if fal knows the request by an id, in the header or in the body.
    pub(crate) fn has_request_id(&self) -> bool {
        self.request_id().is_some() || self.shapes().request_id.as_str().is_some_and(|id| !id.trim().is_empty())
    }

    /// The billed units. A malformed number counts as billed.
    pub(crate) fn billable_units(&self) -> Option<f64> {
        let units = self.header("x-fal-billable-units")?.parse().ok();
        Some(units.filter(|units: &f64| units.is_finite()).unwrap_or(f64::INFINITY))
    }

    /// fal's own recommendation about a retry, in either spelling of its header.
    pub(crate) fn recommends_retry(&self) -> Option<bool> {
        let header = self.header("x-fal-needs-retry").or_else(|| self.header("x-fal-retryable"))?;
        match header.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "0" | "false" | "no" => Some(false),
            _ => None,
        }
    }

    /// Returns true if fal recommends a retry or, without a recommendation, if the status suggests one.
    pub(crate) fn needs_retry(&self) -> bool {
        let by_status = || !self.is_user_timeout() && matches!(self.status.as_u16(), 429 | 502 | 503 | 504);
        self.recommends_retry().unwrap_or_else(by_status)
    }

    /// Returns true if fal itself says why the request failed. A gateway does not.
    pub(crate) fn has_reason(&self) -> bool {
        self.is_user_timeout() || self.recommends_retry().is_some() || self.error_type().is_some()
    }

    /// Returns true if the body is a page instead of data.
    pub(crate) fn is_html(&self) -> bool {
        let declared = self.header(CONTENT_TYPE.as_str()).is_some_and(|value| {
            let media_type = value.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("text/html") || media_type.eq_ignore_ascii_case("application/xhtml+xml")
        });
        declared || self.body.trim_ascii_start().starts_with(b"<")
    }

    /// Returns true if the queue says that the request is not completed yet.
    pub(crate) fn is_in_progress(&self) -> bool {
        let shapes = self.shapes();
        let detail = shapes.detail.as_str().map(str::to_ascii_lowercase).unwrap_or_default();
        matches!(shapes.status.as_str(), Some("IN_QUEUE" | "IN_PROGRESS"))
            || ["in progress", "in queue", "not completed"].iter().any(|words| detail.contains(words))
    }

    /// The delay of `Retry-After`, in seconds or as a date. Dates are compared with the response's own `Date`, because
    /// the local clock may be wrong. Of several delays, the longest applies.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let values = self.headers.get_all(RETRY_AFTER).iter().filter_map(|value| value.to_str().ok());
        values.filter_map(|value| self.parse_delay(value.trim())).max()
    }

    fn parse_delay(&self, value: &str) -> Option<Duration> {
        if value.bytes().all(|byte| byte.is_ascii_digit()) {
            return value.parse().ok().map(Duration::from_secs);
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let now = self.header(DATE.as_str()).and_then(|now| httpdate::parse_http_date(now).ok());
        Some(date.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or_default())
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
