use serde_json::{Map, Value, json};

use super::absorb;
use crate::schema::NULLABLE;

/// `anyOf: [X, {"type": "null"}]`, `type: ["x", "null"]` and an enum with null become X with `nullable: true`.
///
/// A union of one member becomes the member. `oneOf` becomes `anyOf`, because at most one variant is chosen in any case.
pub(super) fn unite(object: &mut Map<String, Value>) {
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
    if let Some(members) = object.remove("oneOf") {
        object.entry("anyOf").or_insert(members);
    }
    if let Some(Value::Array(mut members)) = object.remove("anyOf") {
        let before = members.len();
        let is_null = |member: &Value| {
            member.get("type") == Some(&json!("null"))
                || member.get("enum").is_some_and(|values| values == &json!([]) && member.get(NULLABLE).is_some())
        };
        members.retain(|member| !is_null(member));
        nullable |= members.len() < before || members.iter().any(|member| member.get(NULLABLE) == Some(&json!(true)));
        // Enum values next to a union are all the values that the union allows.
        let has_values = object.get("enum").is_some();
        match &mut members[..] {
            [] => {}
            [Value::Object(only)] => absorb(object, std::mem::take(only)),
            _ if has_values => {}
            _ => drop(object.insert("anyOf".to_owned(), Value::Array(members))),
        }
    }
    if nullable {
        object.insert(NULLABLE.to_owned(), json!(true));
    }
}
