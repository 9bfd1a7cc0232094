//! From a text of the command line to a value of the field's type.

use std::borrow::Cow;

use fal_codegen::Kind;
use serde_json::{Number, Value};

use super::shape::Shape;

/// Converts a text to a value of a shape. A text that is not one stays a string, which the validation reports.
pub(super) fn value(text: &str, shape: Shape<'_>) -> Value {
    let alternatives = shape.alternatives();
    if let Some(declared) = alternatives.iter().flat_map(|shape| shape.values).find(|value| is_written(value, text)) {
        return declared.clone();
    }
    if shape.is_nullable && text == "null" {
        return Value::Null;
    }
    let converted = alternatives.iter().find_map(|shape| convert(text, shape.kind));
    converted.unwrap_or_else(|| Value::from(text))
}

/// Returns true if a text is a declared value, such as `square` or `4`.
fn is_written(value: &Value, text: &str) -> bool {
    let written = value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed);
    written == text
}

/// Returns the value of a kind other than strings.
fn convert(text: &str, kind: &Kind) -> Option<Value> {
    let json = || serde_json::from_str::<Value>(text).ok();
    match kind {
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        Kind::Integer | Kind::Number => number(text),
        Kind::Object | Kind::Map(_) => json().filter(Value::is_object),
        Kind::Array(_) => json().filter(Value::is_array),
        Kind::Json => json(),
        _ => None,
    }
}

/// Parses a number as people write it, such as `.5` or `+1`.
fn number(text: &str) -> Option<Value> {
    if let Ok(number) = serde_json::from_str::<Number>(text) {
        return Some(Value::Number(number));
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let number: f64 = text.parse().ok().filter(|_| is_number)?;
    match number.fract() == 0.0 && number.abs() < 9e15 {
        true => Some(Value::from(number as i64)),
        false => Number::from_f64(number).map(Value::Number),
    }
}
