use serde_json::{Map, Value};

use super::kinds;

/// Other names that documents have for bounds of a number, each with its name in JSON Schema.
pub(crate) const NAMES: [(&str, &str); 6] = [
    ("min", "minimum"),
    ("ge", "minimum"),
    ("gt", "exclusiveMinimum"),
    ("max", "maximum"),
    ("le", "maximum"),
    ("lt", "exclusiveMaximum"),
];

/// `{"type": "integer", "min": 1}` becomes `{"type": "integer", "minimum": 1}`, and the bounds next to a union move into the
/// numbers of the union.
///
/// A bound that is there under its own name takes precedence. What is not a number stays, and the report names it.
pub(super) fn rename(object: &mut Map<String, Value>) {
    let is_number = matches!(object.get("type").and_then(Value::as_str), Some("integer" | "number"));
    let is_number = is_number || object.contains_key("$ref");
    if is_number || object.contains_key("anyOf") {
        for (other, name) in NAMES {
            if object.get(other).is_some_and(Value::is_number)
                && let Some(bound) = object.remove(other)
            {
                object.entry(name).or_insert(bound);
            }
        }
    }
    if let Some(Value::Array(mut members)) = object.remove("anyOf") {
        distribute(object, &mut members);
        object.insert("anyOf".to_owned(), Value::Array(members));
    }
}

fn distribute(object: &Map<String, Value>, members: &mut [Value]) {
    let bounds: Vec<(&str, &Value)> =
        kinds::NUMBER_BOUNDS.iter().filter_map(|bound| Some((*bound, object.get(*bound)?))).collect();
    for member in members.iter_mut().filter_map(Value::as_object_mut) {
        if matches!(member.get("type").and_then(Value::as_str), Some("integer" | "number")) {
            for (name, bound) in &bounds {
                member.entry(*name).or_insert_with(|| (*bound).clone());
            }
        }
    }
}
