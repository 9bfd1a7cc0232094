//! The frames that fal sends about a realtime connection, in JSON or in MessagePack.

use std::fmt;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::message_pack;
use super::plain::Plain;
use crate::error::Error;

/// Maximum number of fields of a frame about the connection.
const MAX_FIELDS: usize = 16;

/// Maximum bytes before the type or the status of such a frame. The words of an error come after it.
const MAX_HEAD: usize = 4096;

/// Finds the words of such a frame. To prepare the search takes longer than to search a small frame.
static WORDS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| [Finder::new(b"x-fal-"), Finder::new(b"error")]);

/// A frame that is not a result.
#[derive(Debug)]
pub(super) enum Control {
    /// An error. The connection may go on.
    Failed(Error),
    /// Timings and the like.
    Note,
}

/// The fields that tell such a frame from a result.
#[derive(Debug, Default)]
struct Fields {
    of_type: Option<String>,
    status: Option<String>,
    error: Option<Value>,
    reason: Option<Value>,
}

/// Reads a text frame as one about the connection.
pub(super) fn of_text(text: &str) -> Option<Control> {
    // Most results are not parsed twice.
    let is_candidate = text.contains("x-fal-") || text.contains("\"error\"");
    let read = || serde_json::from_str(text.trim_start_matches('\u{feff}')).ok();
    is_candidate.then(read).flatten().and_then(Fields::meaning)
}

/// Reads a binary frame as one about the connection.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<Control> {
    // A map in MessagePack.
    let is_map = matches!(bytes.first(), Some(0x80..=0x8f | 0xde | 0xdf));
    (is_map && may_be_control(bytes)).then(|| message_pack::read(bytes).ok()).flatten().and_then(Fields::meaning)
}

/// Returns true if the bytes begin like a frame about the connection, which names its type or status first. Results are many and
/// large, and should not be read twice.
fn may_be_control(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(MAX_HEAD)];
    WORDS.iter().any(|word| word.find(head).is_some())
}

impl Fields {
    fn meaning(self) -> Option<Control> {
        let words = |value: Option<Value>| match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => Some(other.to_string()),
        };
        let is_error = self.of_type.as_deref() == Some("x-fal-error") || self.status.as_deref() == Some("error");
        if is_error {
            let code = words(self.error).unwrap_or_else(|| "error".to_owned());
            return Some(Control::Failed(Error::frame(&code, words(self.reason).as_deref())));
        }
        self.of_type.filter(|of_type| of_type.starts_with("x-fal-")).map(|_| Control::Note)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame about the connection")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        if object.size_hint().is_some_and(|length| length > MAX_FIELDS) {
            return Ok(fields);
        }
        let text = |Plain(value): Plain| value.as_str().map(str::to_owned);
        while let Some(Key(name)) = object.next_key()? {
            match name {
                Name::Type => fields.of_type = text(object.next_value()?),
                Name::Status => fields.status = text(object.next_value()?),
                Name::Error => fields.error = object.next_value().map(|Plain(value)| Some(value))?,
                Name::Reason => fields.reason = object.next_value().map(|Plain(value)| Some(value))?,
                Name::Other => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(fields)
    }
}

/// The name of a field, which is not copied.
struct Key(Name);

enum Name {
    Type,
    Status,
    Error,
    Reason,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor).map(Key)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            "type" => Name::Type,
            "status" => Name::Status,
            "error" => Name::Error,
            "reason" => Name::Reason,
            _ => Name::Other,
        })
    }
}
