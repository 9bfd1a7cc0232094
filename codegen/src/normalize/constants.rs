use serde_json::{Map, Value};

/// `{"const": x}` becomes `{"enum": [x]}`.
pub(super) fn list(object: &mut Map<String, Value>) {
    if let Some(constant) = object.remove("const") {
        object.entry("enum").or_insert(Value::Array(vec![constant]));
    }
}
