use serde_json::Value;

use crate::validate::schemas::resolve;

/// The most schemas that are looked at for one value.
pub(super) const MAX_SCHEMAS: usize = 200;

/// Adds a schema, and those that it refers to or combines: all that apply to the same value, or may apply to it.
pub(super) fn add<'a>(root: &'a Value, schema: &'a Value, all: &mut Vec<&'a Value>) {
    if all.len() >= MAX_SCHEMAS || all.iter().any(|known| std::ptr::eq(*known, schema)) {
        return;
    }
    all.push(schema);
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|name| resolve(root, name)) {
        add(root, target, all);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let members = schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
        members.for_each(|member| add(root, member, all));
    }
}

/// Returns the schemas of a member of an object or an array that these schemas describe.
pub(super) fn inside<'a>(root: &'a Value, schemas: &[&'a Value], value: &Value, key: &str) -> Vec<&'a Value> {
    let of_member = |schema: &&'a Value| match value {
        Value::Array(_) => schema.get("items"),
        _ => schema.get("properties").and_then(|properties| properties.get(key)).or(schema.get("additionalProperties")),
    };
    let mut all = Vec::new();
    schemas.iter().filter_map(of_member).for_each(|schema| add(root, schema, &mut all));
    all
}
