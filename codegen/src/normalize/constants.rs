use serde_json::Value;

/// `{"const": x}` becomes `{"enum": [x]}`.
pub(super) fn list(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(constant) = object.remove("const") {
        object.entry("enum").or_insert(Value::Array(vec![constant]));
    }
}
