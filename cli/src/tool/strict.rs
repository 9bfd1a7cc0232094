//! The subset of JSON Schema that OpenAI enforces in strict mode. See
//! <https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>.

use serde_json::{Map, Value, json};

/// OpenAI's limits for a schema: properties, levels, enum values, and characters of names and values.
const MAX_PROPERTIES: usize = 5000;
const MAX_LEVELS: usize = 10;
const MAX_VALUES: usize = 1000;
const MAX_CHARS: usize = 120_000;

/// Keywords that are kept as they are.
const KEPT: [&str; 9] = [
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "type",
];
const FORMATS: [&str; 9] = ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"];

/// Returns the schema in strict form: every field is required, and an optional one may be null instead. Defaults move to
/// descriptions.
///
/// # Errors
///
/// The schema has an object with fields of any name, a value of any type, or exceeds OpenAI's limits. The error is the reason.
pub(super) fn schema(schema: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut counts = Counts::default();
    let strict = counts.schema(schema, 0)?;
    let limits = [
        (counts.properties, MAX_PROPERTIES, "fields"),
        (counts.values, MAX_VALUES, "enum values"),
        (counts.chars, MAX_CHARS, "characters in names and enum values"),
    ];
    match limits.iter().find(|(count, limit, _)| count > limit) {
        Some((count, limit, what)) => Err(format!("{count} {what} exceed OpenAI's limit of {limit}")),
        None => Ok(strict),
    }
}

#[derive(Default)]
struct Counts {
    properties: usize,
    values: usize,
    chars: usize,
}

impl Counts {
    fn schema(&mut self, schema: &Map<String, Value>, level: usize) -> Result<Map<String, Value>, String> {
        if level > MAX_LEVELS {
            return Err(format!("more than {MAX_LEVELS} levels exceed OpenAI's limit"));
        }
        let mut strict = Map::new();
        if let Some(definitions) = schema.get("$defs").and_then(Value::as_object) {
            let definitions: Map<String, Value> = definitions
                .iter()
                .map(|(name, definition)| {
                    self.chars += name.len();
                    Ok((name.clone(), self.value(definition, level)?))
                })
                .collect::<Result<_, String>>()?;
            strict.insert("$defs".to_owned(), Value::Object(definitions));
        }
        if let Some(reference) = schema.get("$ref") {
            strict.insert("$ref".to_owned(), reference.clone());
            return Ok(strict);
        }
        for keyword in KEPT {
            if let Some(value) = schema.get(keyword) {
                strict.insert(keyword.to_owned(), value.clone());
            }
        }
        if let Some(format) = schema.get("format").filter(|format| FORMATS.iter().any(|known| format == known)) {
            strict.insert("format".to_owned(), format.clone());
        }
        for (keyword, value) in [("enum", schema.get("enum")), ("const", schema.get("const"))] {
            if let Some(value) = value {
                self.values += value.as_array().map_or(1, Vec::len);
                self.chars += value.to_string().len();
                strict.insert(keyword.to_owned(), value.clone());
            }
        }
        if let Some(Value::Array(members)) = schema.get("anyOf") {
            let members: Vec<Value> =
                members.iter().map(|member| self.value(member, level)).collect::<Result<_, String>>()?;
            strict.insert("anyOf".to_owned(), json!(members));
            // The variants have all the types that the union has.
            strict.remove("type");
        }
        for keyword in ["allOf", "prefixItems", "not"] {
            if schema.contains_key(keyword) {
                return Err(format!("strict schemas do not have `{keyword}`"));
            }
        }
        if strict.get("type").is_some_and(|kind| has_kind(kind, "object")) && !strict.contains_key("anyOf") {
            self.add_fields(schema, &mut strict, level)?;
        }
        if let Some(items) = schema.get("items") {
            strict.insert("items".to_owned(), self.value(items, level + 1)?);
        }
        if !["type", "enum", "const", "anyOf"].iter().any(|keyword| strict.contains_key(*keyword)) {
            return Err("strict schemas do not have values of any type".to_owned());
        }
        if let Some(description) = description(schema) {
            strict.insert("description".to_owned(), json!(description));
        }
        Ok(strict)
    }

    fn value(&mut self, schema: &Value, level: usize) -> Result<Value, String> {
        let empty = Map::new();
        Ok(Value::Object(self.schema(schema.as_object().unwrap_or(&empty), level)?))
    }

    fn add_fields(
        &mut self,
        schema: &Map<String, Value>,
        strict: &mut Map<String, Value>,
        level: usize,
    ) -> Result<(), String> {
        let is_closed = matches!(schema.get("additionalProperties"), None | Some(Value::Bool(false)));
        let properties = schema.get("properties").and_then(Value::as_object);
        let Some(properties) = properties.filter(|properties| is_closed && !properties.is_empty()) else {
            return Err("strict schemas do not have objects with fields of any name".to_owned());
        };
        let required = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut fields = Map::new();
        for (name, property) in properties {
            self.properties += 1;
            self.chars += name.len();
            let field = self.value(property, level + 1)?;
            let is_required = required.iter().any(|required| required == name);
            fields.insert(name.clone(), if is_required { field } else { optional(field, property) });
        }
        strict.insert("required".to_owned(), json!(fields.keys().collect::<Vec<_>>()));
        strict.insert("properties".to_owned(), Value::Object(fields));
        strict.insert("additionalProperties".to_owned(), json!(false));
        Ok(())
    }
}

fn has_kind(kinds: &Value, kind: &str) -> bool {
    kinds == kind || kinds.as_array().is_some_and(|kinds| kinds.iter().any(|known| known == kind))
}

/// Allows null for an optional field.
fn optional(mut field: Value, original: &Value) -> Value {
    let has_values = field.get("enum").is_some() || field.get("const").is_some();
    match field.get("type").cloned() {
        Some(kinds) if has_kind(&kinds, "null") => return field,
        Some(Value::String(kind)) if !has_values => {
            field["type"] = json!([kind, "null"]);
            return field;
        }
        _ => {}
    }
    if let Some(field) = field.as_object_mut() {
        field.remove("description");
    }
    let mut members = match field.get_mut("anyOf").map(Value::take) {
        Some(Value::Array(members)) => members,
        _ => vec![field],
    };
    if !members.iter().any(|member| member["type"] == "null") {
        members.push(json!({ "type": "null" }));
    }
    let mut union = json!({ "anyOf": members });
    if let Some(description) = original.as_object().and_then(description) {
        union["description"] = json!(description);
    }
    union
}

/// Returns the description with the default, which has no place of its own.
fn description(schema: &Map<String, Value>) -> Option<String> {
    let text = schema.get("description").and_then(Value::as_str);
    match (text, schema.get("default").filter(|default| !default.is_null())) {
        (Some(text), Some(default)) => Some(format!("{text} Default: {default}.")),
        (None, Some(default)) => Some(format!("Default: {default}.")),
        (text, None) => text.map(str::to_owned),
    }
}
