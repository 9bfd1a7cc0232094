//! The budget of a document: how large and how deep it may become, as a file, with its patch, and with its schemas merged.
//!
//! Documents are untrusted, and a short one can describe an endless one: a patch can copy a document into itself, and schemas
//! can include each other. Every stage that multiplies values spends from a budget first.

use serde_json::Value;

/// The largest file, in bytes. With `VALUE` bytes for each of its values, its contents may not be larger either, and a patch
/// may not add more.
pub const MAX_FILE: usize = 64 << 20;

/// The deepest nesting of arrays and objects. The JSON parser has the same limit.
pub const MAX_DEPTH: usize = 128;

/// The bytes that each value takes in addition to its text.
const VALUE: usize = 32;

/// An amount of work or of memory.
#[derive(Debug)]
pub struct Budget(usize);

impl Budget {
    /// Creates a budget of an amount.
    pub fn new(amount: usize) -> Self {
        Budget(amount)
    }

    /// Returns false if less is left. Nothing is left then.
    #[must_use]
    pub fn spend(&mut self, amount: usize) -> bool {
        let left = self.0.checked_sub(amount);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// Returns the size of a value: the bytes of its keys and strings, and a constant for each value in it.
pub fn size(value: &Value) -> usize {
    VALUE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(size).sum(),
            Value::Object(object) => object.iter().map(|(key, value)| key.len() + size(value)).sum(),
            _ => 0,
        }
}

/// Returns the size that a JSON text has when it is parsed, or a little more.
pub fn size_of_text(json: &[u8]) -> usize {
    let (mut values, mut in_string, mut escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' | b',' if !in_string => values += 1,
            _ => {}
        }
    }
    json.len() + values * VALUE
}

/// Returns the number of arrays and objects inside each other.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
