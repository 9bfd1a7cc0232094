use serde_json::{Map, Value, json};

/// The keywords that apply to numbers.
pub(super) const NUMBER_BOUNDS: &[&str] = &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];

/// The keywords that apply to one JSON type.
const KEYWORDS: &[(&str, &[&str])] = &[
    ("array", &["items", "minItems", "maxItems", "uniqueItems"]),
    ("object", &["properties", "required", "additionalProperties", "x-fal-order-properties", "discriminator"]),
    ("string", &["minLength", "maxLength", "pattern", "format"]),
    ("number", NUMBER_BOUNDS),
    ("integer", NUMBER_BOUNDS),
];

/// Adds a missing type to a schema, and makes a union of a schema with several types or with enum values of several.
pub(super) fn state(object: &mut Map<String, Value>) {
    if object.contains_key("anyOf") || object.contains_key("$ref") {
        return;
    }
    let types = match (object.get("type"), object.get("enum")) {
        (Some(Value::String(_)), _) => return,
        (Some(Value::Array(types)), _) if types.len() > 1 => {
            types.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        (None, Some(Value::Array(values))) => types_of(values),
        (None, None) => implied(object).into_iter().map(str::to_owned).collect(),
        _ => return,
    };
    match &types[..] {
        [] => {}
        [only] => drop(object.insert("type".to_owned(), json!(only))),
        _ => split(object, &types),
    }
}

pub(super) fn types_of(values: &[Value]) -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for value in values {
        let kind = match value {
            Value::String(_) => "string",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            // An enum value that is an array or an object does not determine a type.
            _ => return Vec::new(),
        };
        if !types.iter().any(|known| known == kind) {
            types.push(kind.to_owned());
        }
    }
    // Integers are numbers.
    if types.iter().any(|kind| kind == "number") {
        types.retain(|kind| kind != "integer");
    }
    types
}

pub(super) fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => false,
    }
}

/// Returns the type that a schema's structure implies. Bounds alone imply none.
fn implied(object: &Map<String, Value>) -> Option<&'static str> {
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
