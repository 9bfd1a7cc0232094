//! The documentation of an item or a field: the schema's prose, then what the schema says in numbers.

use serde_json::Value;

use crate::prose;

/// The prose of a schema, or what is said where it has none.
pub(super) fn of_schema(schema: &Value, fallback: &str) -> Vec<String> {
    let docs = prose_of(schema);
    if docs.is_empty() { vec![fallback.to_owned()] } else { docs }
}

/// The prose of a property, its default and its range.
pub(super) fn of_property(name: &str, schema: &Value) -> Vec<String> {
    let mut docs = prose_of(schema);
    if docs.is_empty() {
        docs.push(format!("The field {}.", prose::code(name)));
    }
    let mut facts = Vec::new();
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        facts.push(format!("Default: {}.", prose::code(&default.to_string())));
    }
    if let Some(range) = range(schema) {
        facts.push(range);
    }
    if !facts.is_empty() {
        docs.extend([String::new(), facts.join(" ")]);
    }
    docs
}

fn prose_of(schema: &Value) -> Vec<String> {
    schema.get("description").and_then(Value::as_str).map(prose::lines).unwrap_or_default()
}

fn range(schema: &Value) -> Option<String> {
    let bound = |key: &str| schema.get(key).filter(|bound| bound.is_number());
    let from = bound("minimum").map(|n| n.to_string()).or(bound("exclusiveMinimum").map(|n| format!("more than {n}")));
    let to = bound("maximum").map(|n| n.to_string()).or(bound("exclusiveMaximum").map(|n| format!("less than {n}")));
    match (from, to) {
        (Some(from), Some(to)) => Some(format!("Range: {from} to {to}.")),
        (Some(from), None) => Some(format!("At least {from}.").replace("At least more than", "More than")),
        (None, Some(to)) => Some(format!("At most {to}.").replace("At most less than", "Less than")),
        (None, None) => None,
    }
}
