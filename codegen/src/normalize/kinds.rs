use serde_json::{Map, Value, json};

/// The keywords that are about one JSON type.
const KEYWORDS: &[(&str, &[&str])] = &[
    ("array", &["items", "minItems", "maxItems", "uniqueItems"]),
    ("object", &["properties", "required", "additionalProperties", "x-fal-order-properties", "discriminator"]),
    ("string", &["minLength", "maxLength", "pattern", "format"]),
    ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ("integer", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
];

/// Gives a schema the type that its keywords are about, and makes a union of one that has several types or lists values
/// of several.
pub(super) fn name(object: &mut Map<String, Value>) {
    if object.contains_key("anyOf") || object.contains_key("$ref") {
        return;
    }
    let types = match (object.get("type"), object.get("enum")) {
        (Some(Value::String(_)), _) => return,
        (Some(Value::Array(types)), _) if types.len() > 1 => {
            types.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        (None, Some(Value::Array(values))) => types_of(values),
        (None, None) => about(object).into_iter().map(str::to_owned).collect(),
        _ => return,
    };
    match &types[..] {
        [] => {}
        [only] => drop(object.insert("type".to_owned(), json!(only))),
        _ => split(object, &types),
    }
}

fn types_of(values: &[Value]) -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for value in values {
        let kind = match value {
            Value::String(_) => "string",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            // A listed list or object says nothing that a type could.
            _ => return Vec::new(),
        };
        if !types.iter().any(|known| known == kind) {
            types.push(kind.to_owned());
        }
    }
    // Numbers of both sorts are one type.
    if types.iter().any(|kind| kind == "number") {
        types.retain(|kind| kind != "integer");
    }
    types
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => false,
    }
}

/// The type that a schema's structure is about; bounds alone do not tell.
fn about(object: &Map<String, Value>) -> Option<&'static str> {
    if object.get("properties").is_some_and(Value::is_object) {
        Some("object")
    } else if object.get("items").is_some_and(Value::is_object) {
        Some("array")
    } else {
        None
    }
}

/// `{"type": ["string", "integer"], "minimum": 1}` becomes `{"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1}]}`.
fn split(object: &mut Map<String, Value>, types: &[String]) {
    object.remove("type");
    let values = match object.remove("enum") {
        Some(Value::Array(values)) => Some(values),
        _ => None,
    };
    let mut members = Vec::new();
    for kind in types.iter().take(8) {
        let mut member = Map::from_iter([("type".to_owned(), json!(kind))]);
        let about = KEYWORDS.iter().filter(|(about, _)| about == kind).flat_map(|(_, keywords)| keywords.iter());
        for keyword in about {
            if let Some(value) = object.remove(*keyword) {
                member.insert((*keyword).to_owned(), value);
            }
        }
        if let Some(values) = &values {
            let own: Vec<&Value> = values.iter().filter(|value| is_of(value, kind)).collect();
            if own.is_empty() {
                continue;
            }
            member.insert("enum".to_owned(), json!(own));
        }
        members.push(Value::Object(member));
    }
    object.insert("anyOf".to_owned(), Value::Array(members));
}
