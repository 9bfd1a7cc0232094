use serde_json::Value;

/// `{"allOf": [X], …}` becomes `{X, …}`; the siblings win.
pub(super) fn unwrap(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    let Some(Value::Array(members)) = object.get_mut("allOf") else { return };
    let [Value::Object(only)] = &mut members[..] else { return };
    let only = std::mem::take(only);
    object.remove("allOf");
    for (key, value) in only {
        object.entry(key).or_insert(value);
    }
}
