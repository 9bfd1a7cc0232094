//! A whole response, and the parsing of error bodies and of fal's headers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::error_type::ErrorType;
use super::field_error::FieldError;
use super::{json, words};
use crate::text::shown;

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

    /// Returns true if fal knows the request by an id, in the header or in the body. An unreadable id is one, too.
    pub(crate) fn has_request_id(&self) -> bool {
        let in_header =
            self.headers.get_all("x-fal-request-id").iter().any(|id| !id.as_bytes().trim_ascii().is_empty());
        in_header || self.json().is_some_and(|body| has_request_id(&body, 0))
    }

    pub(crate) fn request_id_in_body(&self) -> Option<String> {
        let body = self.json()?;
        // The platform API has the id within the error.
        let id = body.get("request_id").or_else(|| body.get("error")?.get("request_id"));
        id?.as_str().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned)
    }

    /// The billed units, of several values the most. A malformed number counts as billed.
    pub(crate) fn billable_units(&self) -> Option<f64> {
        let values = self.headers.get_all("x-fal-billable-units").iter().map(|units| units.as_bytes().trim_ascii());
        let units = values.filter(|units| !units.is_empty()).map(|units| {
            let units = std::str::from_utf8(units).ok().and_then(|units| units.parse().ok());
            units.filter(|units: &f64| units.is_finite()).unwrap_or(f64::INFINITY)
        });
        units.max_by(f64::total_cmp)
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
        let has_type = || self.error_type().is_some_and(|error_type| error_type.parse::<ErrorType>().is_ok());
        self.is_user_timeout() || self.recommends_retry().is_some() || has_type()
    }

    /// The content encoding, unless the body is as it is.
    pub(crate) fn content_encoding(&self) -> Option<&str> {
        content_encoding(&self.headers)
    }

    /// Returns true if the queue says that the request is not completed yet, in its status or in the words of its message.
    pub(crate) fn is_in_progress(&self) -> bool {
        const WORDS: [&str; 9] = [
            "in progress",
            "in queue",
            "not complete",
            "not finished",
            "not ready",
            "still running",
            "still pending",
            "still processing",
            "being processed",
        ];
        let body = self.json().unwrap_or_default();
        let status = body.get("status").and_then(Value::as_str).unwrap_or_default().trim();
        let is_unfinished = ["IN_QUEUE", "IN_PROGRESS"].iter().any(|word| status.eq_ignore_ascii_case(word));
        is_unfinished || {
            let message = self.detail().message.unwrap_or_default().to_ascii_lowercase();
            WORDS.iter().any(|words| message.contains(words))
        }
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
        // Some services write a fraction.
        if value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let now = self.header(DATE.as_str()).and_then(|now| httpdate::parse_http_date(now).ok());
        Some(date.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or_default())
    }

    /// The error type from the body, else from the header, else from the first field error.
    pub(crate) fn error_type(&self) -> Option<String> {
        let body = self.json().unwrap_or_default();
        let platform_error = body.get("error").and_then(|error| error.get("type"));
        let in_body = body.get("error_type").and_then(Value::as_str).or(platform_error.and_then(Value::as_str));
        let from_first_field = || {
            let first = field_errors(&body).into_iter().next()?;
            Some(first.error_type.as_str().to_owned()).filter(|error_type| !error_type.is_empty())
        };
        in_body.or_else(|| self.header("x-fal-error-type")).map(str::to_owned).or_else(from_first_field)
    }

    /// Parses the body of an error. Of a body that is not JSON, the message has the media type and the beginning.
    pub(crate) fn detail(&self) -> Detail {
        let Some(body) = self.json() else {
            let message = match words::of_other(&self.body) {
                Some(words) => Some(format!("{words} ({})", self.media_type())),
                None if self.body.trim_ascii().is_empty() => None,
                None => Some(format!("a body without text ({})", self.media_type())),
            };
            return Detail { message, field_errors: Vec::new() };
        };
        let field_errors = field_errors(&body);
        // There may be texts between the field errors.
        let items = body.get("detail").and_then(Value::as_array).filter(|_| !field_errors.is_empty());
        let line = |item| FieldError::parse(item).map(|error| error.to_string()).or_else(|| words::of_json(item));
        let lines: Vec<String> = items.into_iter().flatten().filter_map(line).filter(|line| !line.is_empty()).collect();
        let from_fields = (!lines.is_empty()).then(|| lines.join("; "));
        let message = from_fields.or_else(|| words::of_json(&body)).or_else(|| words::outline(&body));
        Detail { message, field_errors }
    }

    /// Returns the media type and the words of a body that is not JSON.
    pub(crate) fn words_unless_json(&self) -> Option<String> {
        if self.body.trim_ascii().is_empty() {
            return Some("empty".to_owned());
        }
        match (self.json(), words::of_other(&self.body)) {
            (Some(_), _) => None,
            (None, Some(words)) => Some(format!("{}: {words}", self.media_type())),
            (None, None) => Some(self.media_type()),
        }
    }

    /// The media type without parameters, and the content encoding.
    fn media_type(&self) -> String {
        let media_type = self.header(CONTENT_TYPE.as_str()).and_then(|value| value.split(';').next()).map(str::trim);
        let media_type = shown(media_type.unwrap_or("no content type"));
        match self.header(CONTENT_ENCODING.as_str()) {
            Some(encoding) => format!("{media_type}, {}", shown(encoding)),
            None => media_type,
        }
    }

    pub(crate) fn json(&self) -> Option<Value> {
        json::from_slice(&self.body).ok()
    }
}

/// Returns the first content encoding that changes a body. An unreadable one does.
pub(crate) fn content_encoding(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?").trim());
    values.filter(|encoding| !encoding.is_empty()).find(|encoding| !encoding.eq_ignore_ascii_case("identity"))
}

/// Returns true if a body names a request by its id, at its top or within an error.
fn has_request_id(body: &Value, depth: usize) -> bool {
    const MAX_DEPTH: usize = 4;
    match body {
        _ if depth > MAX_DEPTH => false,
        Value::Array(items) => items.iter().any(|item| has_request_id(item, depth + 1)),
        Value::Object(fields) => fields.iter().any(|(name, value)| match name.as_str() {
            "request_id" | "requestId" | "gateway_request_id" => match value {
                Value::String(id) => !id.trim().is_empty(),
                other => !other.is_null(),
            },
            "detail" | "error" | "errors" | "details" | "message" => has_request_id(value, depth + 1),
            _ => false,
        }),
        _ => false,
    }
}

fn field_errors(body: &Value) -> Vec<FieldError> {
    let items = body.get("detail").and_then(Value::as_array);
    items.into_iter().flatten().filter_map(FieldError::parse).collect()
}
