//! Texts of an input that a service repeats in its messages.

use serde_json::Value;

/// Returns the texts of several words in an input, such as the prompt. A value of one word may be what a message is about.
pub(crate) fn texts(input: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut values: Vec<Value> = serde_json::from_slice(input).into_iter().collect();
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) if text.trim().contains(char::is_whitespace) => texts.push(text.trim().to_owned()),
            Value::Array(items) => values.extend(items),
            Value::Object(fields) => values.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    texts
}
