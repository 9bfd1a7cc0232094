use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::kinds;
use crate::schema::{MAX_VALUES, NULLABLE, TOO_MANY_VALUES};

/// Replaces each enum that has too many values by their type and their number, so that no later pass copies the values.
pub(super) fn limit(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Array(values)) = object.get("enum")
                && values.len() > MAX_VALUES
            {
                let values = values.clone();
                replace(object, &values);
            }
            object.values_mut().for_each(limit);
        }
        Value::Array(list) => list.iter_mut().for_each(limit),
        _ => {}
    }
}

fn replace(object: &mut Map<String, Value>, values: &[Value]) {
    object.remove("enum");
    let nulls = values.iter().filter(|value| value.is_null()).count();
    if nulls > 0 {
        object.insert(NULLABLE.to_owned(), json!(true));
    }
    if !object.contains_key("type") {
        let others: Vec<Value> = values.iter().filter(|value| !value.is_null()).cloned().collect();
        object.insert("type".to_owned(), json!(kinds::types_of(&others)));
    }
    let strings: BTreeSet<&str> = values.iter().filter_map(Value::as_str).collect();
    let distinct = if strings.is_empty() { values.len() - nulls } else { strings.len() };
    object.insert(TOO_MANY_VALUES.to_owned(), json!(distinct));
}
