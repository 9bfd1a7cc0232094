use serde_json::{Value, json};

use super::NULLABLE;

/// `anyOf: [X, {"type": "null"}]`, `type: ["x", "null"]` and an enum that lists null become X with `nullable: true`; a
/// union of one member becomes the member.
pub(super) fn unite(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    let mut nullable = false;
    if let Some(Value::Array(types)) = object.get_mut("type") {
        let before = types.len();
        types.retain(|kind| kind != "null");
        nullable |= types.len() < before;
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        let before = values.len();
        values.retain(|value| !value.is_null());
        nullable |= values.len() < before;
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(members)) = object.get_mut(keyword) else { continue };
        let before = members.len();
        members.retain(|member| member.get("type") != Some(&json!("null")));
        nullable |= members.len() < before || members.iter().any(|member| member.get(NULLABLE) == Some(&json!(true)));
        if let [Value::Object(only)] = &mut members[..] {
            let only = std::mem::take(only);
            object.remove(keyword);
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
    if nullable {
        object.insert(NULLABLE.to_owned(), json!(true));
    }
}
