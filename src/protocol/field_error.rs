use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error_type::ErrorType;

/// One step of the path to a field: a key of an object or an index of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LocSegment {
    /// An index of a list, from 0.
    Index(u64),
    /// A key of an object.
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

/// What is wrong with one field, in the shape in which fal reports it (`detail` of a 422).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldError {
    /// The path to the field, `["body", "loras", 0, "scale"]`; the first segment says in which part of the request.
    #[serde(default)]
    pub loc: Vec<LocSegment>,
    /// What is wrong, for a person.
    #[serde(default)]
    pub msg: String,
    /// What is wrong, for a program: `missing`, `less_than_equal`, `image_load_error`…
    #[serde(rename = "type")]
    pub error_type: ErrorType,
    /// The numbers and words that belong to the type, as `{"le": 8}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Map<String, Value>>,
    /// The refused value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// A page about the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl FieldError {
    /// An error about the field at `loc`.
    pub fn new(loc: Vec<LocSegment>, error_type: impl AsRef<str>, msg: impl Into<String>) -> Self {
        FieldError { loc, msg: msg.into(), error_type: ErrorType::other(error_type), ctx: None, input: None, url: None }
    }

    /// Reads what is wrong with a field, whatever its shape, if it says anything.
    pub(crate) fn parse(item: &Value) -> Option<Self> {
        let string = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
        let loc = match item.get("loc") {
            Some(Value::Array(segments)) => segments.iter().map(LocSegment::parse).collect(),
            Some(Value::Null) | None => Vec::new(),
            Some(segment) => vec![LocSegment::parse(segment)],
        };
        let (msg, error_type) = (string("msg"), string("type"));
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
        })
    }

    /// The path to the field as one reads it: `loras[0].scale`, without the leading `body`.
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
        path
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            path if path.is_empty() => f.write_str(&self.msg)?,
            path => write!(f, "{path}: {}", self.msg)?,
        }
        // A number, or a word that was meant to be one of a list; what is longer is the caller's own business.
        match &self.input {
            Some(value @ (Value::Number(_) | Value::Bool(_))) => write!(f, " (given: {value})"),
            Some(Value::String(text)) if self.error_type == ErrorType::OneOf && text.chars().count() <= 40 => {
                write!(f, " (given: {text:?})")
            }
            _ => Ok(()),
        }
    }
}
