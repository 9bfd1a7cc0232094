use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::text::Redacted;

/// A line of a model's log.
///
/// Only the message is always present. The other fields differ between models, and some timestamps have no time zone.
#[derive(Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// The logged text. Empty if the service wrote `null`.
    pub message: String,
    /// The time as the service wrote it: ISO 8601 in UTC, such as `2026-01-02T03:04:05.678901Z`.
    pub timestamp: Option<String>,
    /// The level: `STDERR`, `STDOUT`, `ERROR`, `INFO`, `WARN` or `DEBUG`.
    pub level: Option<String>,
    /// The source of the line, such as `USER`.
    pub source: Option<String>,
    /// Further properties of the line.
    pub labels: Map<String, Value>,
}

impl LogEntry {
    /// Parses a line of any shape.
    pub(crate) fn parse(value: &Value) -> Self {
        let string = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let labels = value.get("labels").and_then(Value::as_object).cloned().unwrap_or_default();
        let message = match (value, value.get("message")) {
            (Value::String(message), _) | (_, Some(Value::String(message))) => message.clone(),
            (_, Some(Value::Null)) => String::new(),
            (_, Some(message)) => message.to_string(),
            (_, None) => value.to_string(),
        };
        let level = string("level").or_else(|| labels.get("level").and_then(Value::as_str).map(str::to_owned));
        LogEntry { message, timestamp: string("timestamp"), level, source: string("source"), labels }
    }
}

impl<'de> Deserialize<'de> for LogEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(LogEntry::parse(&Value::deserialize(deserializer)?))
    }
}

impl fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogEntry")
            .field("message", &Redacted(&self.message))
            .field("timestamp", &Redacted(&self.timestamp))
            .field("level", &Redacted(&self.level))
            .field("source", &Redacted(&self.source))
            .field("labels", &Redacted(&self.labels))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_any_shape_are_parsed() {
        let parse = |text: &str| serde_json::from_str::<LogEntry>(text).expect("JSON");
        let line = parse(r#"{"timestamp":"2024-12-20T15:37:17.120314","message":"m","labels":{"level":"INFO"}}"#);
        assert_eq!((line.message.as_str(), line.level.as_deref(), line.source), ("m", Some("INFO"), None));
        assert_eq!(parse(r#""bare""#).message, "bare");
        assert_eq!(parse(r#"{"message":{"a":1}}"#).message, r#"{"a":1}"#);
        assert_eq!(parse("7").message, "7");
        assert_eq!(parse(r#"{"message":null,"timestamp":3,"labels":[1]}"#), LogEntry::default());
    }
}
