//! A whole response, and the parsing of error bodies and of fal's headers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::field_error::FieldError;
use super::words;
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
        let lines: Vec<String> =
            field_errors.iter().map(FieldError::to_string).filter(|line| !line.is_empty()).collect();
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

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn field_errors(body: &Value) -> Vec<FieldError> {
    let items = body.get("detail").and_then(Value::as_array);
    items.into_iter().flatten().filter_map(FieldError::parse).collect()
}
