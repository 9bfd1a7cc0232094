use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error_type::ErrorType;
use crate::text::{Redacted, within};

/// Maximum characters of a field error that are displayed.
const MAX_LINE: usize = 500;

/// One segment of the path to a field: an object key or an array index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LocSegment {
    /// An array index, from 0.
    Index(u64),
    /// An object key.
    Key(String),
}

impl LocSegment {
    fn parse(segment: &Value) -> Self {
        match (segment.as_u64(), segment) {
            (Some(index), _) => LocSegment::Index(index),
            (None, Value::String(key)) => LocSegment::Key(key.clone()),
            (None, other) => LocSegment::Key(other.to_string()),
        }
    }
}

impl fmt::Display for LocSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocSegment::Index(index) => write!(f, "{index}"),
            LocSegment::Key(key) => f.write_str(key),
        }
    }
}

/// An error about one field, in the shape of an item of `detail` in fal's 422 responses.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldError {
    /// The path to the field, such as `["body", "loras", 0, "scale"]`. The first segment names the part of the request.
    #[serde(default)]
    pub loc: Vec<LocSegment>,
    /// The message for people.
    #[serde(default)]
    pub msg: String,
    /// The type for programs, such as `missing`, `less_than_equal` or `image_load_error`.
    #[serde(rename = "type")]
    pub error_type: ErrorType,
    /// Details that depend on the type, such as `{"le": 8}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Map<String, Value>>,
    /// The rejected value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The URL of a page about the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// True if the error was found before sending, so that the rejected value may be shown.
    #[serde(skip)]
    is_local: bool,
}

impl FieldError {
    /// Creates an error about the field at `loc`.
    pub fn new(loc: Vec<LocSegment>, error_type: impl AsRef<str>, msg: impl Into<String>) -> Self {
        FieldError {
            loc,
            msg: msg.into(),
            error_type: ErrorType::other(error_type),
            ctx: None,
            input: None,
            url: None,
            is_local: true,
        }
    }

    /// Parses an item of `detail` leniently. Returns `None` if it has neither a message, a type nor a path.
    pub(crate) fn parse(item: &Value) -> Option<Self> {
        let string = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
        let loc = match item.get("loc") {
            Some(Value::Array(segments)) => segments.iter().map(LocSegment::parse).collect(),
            Some(Value::Null) | None => Vec::new(),
            Some(segment) => vec![LocSegment::parse(segment)],
        };
        let (msg, error_type) = (string("msg").or_else(|| string("message")), string("type"));
        if msg.is_none() && error_type.is_none() && loc.is_empty() {
            return None;
        }
        Some(FieldError {
            loc,
            msg: msg.or_else(|| error_type.clone()).unwrap_or_default(),
            error_type: ErrorType::other(error_type.unwrap_or_default()),
            ctx: item.get("ctx").and_then(Value::as_object).cloned(),
            input: item.get("input").cloned(),
            url: string("url"),
            is_local: false,
        })
    }

    /// Formats the path for people: `loras[0].scale`, without the leading `body` and without secrets.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let error: fal_client::FieldError = serde_json::from_str(
    ///     r#"{"loc": ["body", "loras", 0, "scale"], "msg": "Input should be less than 4", "type": "less_than"}"#,
    /// )?;
    /// assert_eq!(error.path(), "loras[0].scale");
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(&self) -> String {
        let loc = match self.loc.split_first() {
            Some((LocSegment::Key(first), rest)) if first == "body" && !rest.is_empty() => rest,
            _ => &self.loc[..],
        };
        let mut path = String::new();
        for segment in loc {
            match segment {
                LocSegment::Index(index) => path.push_str(&format!("[{index}]")),
                LocSegment::Key(key) if path.is_empty() => path.push_str(key),
                LocSegment::Key(key) => path.push_str(&format!(".{key}")),
            }
        }
        within(&path, MAX_LINE)
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let msg = if self.is_local { self.msg.clone() } else { without_echo(&self.msg, self.input.as_ref()) };
        let line = match self.path() {
            path if path.is_empty() => msg,
            path => format!("{path}: {msg}"),
        };
        f.write_str(&within(&line, MAX_LINE))?;
        // Only short values are shown: long ones may be private. A service's copy of a string is never shown.
        match &self.input {
            Some(value @ (Value::Number(_) | Value::Bool(_))) => write!(f, " (given: {value})"),
            Some(Value::String(text))
                if self.is_local && self.error_type == ErrorType::OneOf && text.chars().count() <= 40 =>
            {
                write!(f, " (given: \"{}\")", within(text, MAX_LINE))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldError")
            .field("loc", &Redacted(&self.loc))
            .field("msg", &Redacted(&self.msg))
            .field("error_type", &self.error_type)
            .field("ctx", &Redacted(&self.ctx))
            .field("input", &Redacted(&self.input))
            .field("url", &Redacted(&self.url))
            .finish()
    }
}

/// Replaces the strings of the input that a message repeats.
fn without_echo(msg: &str, input: Option<&Value>) -> String {
    let mut msg = msg.to_owned();
    let mut values: Vec<&Value> = input.into_iter().collect();
    while let Some(value) = values.pop() {
        match value {
            // Shorter ones are found in ordinary words.
            Value::String(text) if text.len() >= 8 => msg = msg.replace(text.as_str(), "…"),
            Value::Array(items) => values.extend(items),
            Value::Object(fields) => values.extend(fields.values()),
            _ => {}
        }
    }
    msg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_that_a_service_repeats_is_not_shown() {
        for (item, line) in [
            (r#"{"loc":["body","prompt"],"msg":"flagged","type":"one_of","input":"MY PROMPT"}"#, "prompt: flagged"),
            (r#"{"msg":"'MY PROMPT' is not allowed","input":{"a":["MY PROMPT"]}}"#, "'…' is not allowed"),
            (r#"{"message":"flagged","input":"MY PROMPT","ctx":{"given":"MY PROMPT"}}"#, "flagged"),
            (r#"{"loc":["body","scale"],"msg":"Too much","type":"x","input":9}"#, "scale: Too much (given: 9)"),
            (r#"{"loc":["body","\u001b[1m"],"msg":"a\nb","type":"x"}"#, "\\u{1b}[1m: a b"),
        ] {
            let item: Value = serde_json::from_str(item).expect(item);
            assert_eq!(FieldError::parse(&item).expect("an error").to_string(), line);
        }
    }
}
