//! The defaults and examples of a document, which fal accepts although some break the schema that states them.

use serde_json::Value;

use crate::pointer::unescape;
use crate::validate::applying;

/// Returns whether the value at a pointer, or one around it, is a default or an example of its own schema.
pub(super) fn contain(root: &Value, schema: &Value, input: &Value, pointer: &str) -> bool {
    let mut schemas = Vec::new();
    applying::add(root, schema, &mut schemas);
    let mut value = input;
    for segment in pointer.split('/').skip(1) {
        let key = unescape(segment);
        schemas = applying::inside(root, &schemas, value, &key);
        let member = match value {
            Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
            _ => value.get(&key),
        };
        let Some(member) = member else { return false };
        value = member;
        if schemas.iter().any(|schema| states(schema, value)) || is_file(&schemas, value) {
            return true;
        }
    }
    false
}

const SCHEMES: [&str; 3] = ["http://", "https://", "data:"];

/// Returns whether a value is the URL of a file in place of another type, where the default or an example is one too.
fn is_file(schemas: &[&Value], value: &Value) -> bool {
    let is_url =
        |value: &Value| value.as_str().is_some_and(|text| SCHEMES.iter().any(|scheme| text.starts_with(scheme)));
    let mut types = schemas.iter().filter_map(|schema| schema.get("type")).peekable();
    is_url(value)
        && types.peek().is_some()
        && !types.any(|of| of == "string" || of.as_array().is_some_and(|of| of.iter().any(|of| of == "string")))
        && schemas.iter().flat_map(|schema| stated(schema)).any(is_url)
}

/// Returns whether a schema states a value as its default or as an example.
pub(super) fn states(schema: &Value, value: &Value) -> bool {
    let is_same = |stated: &Value| {
        stated == value || stated.is_number() && value.is_number() && stated.as_f64() == value.as_f64()
    };
    stated(schema).any(is_same)
}

/// Returns the default and the examples of a schema.
fn stated(schema: &Value) -> impl Iterator<Item = &Value> {
    let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
    schema.get("default").into_iter().chain(schema.get("example")).chain(examples)
}
