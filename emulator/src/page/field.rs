//! The fields of an input, as controls of a form.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::documents::document::Document;
use crate::documents::schema::{expand, is_null, kind, required, union};

/// The most fields of a form. The others are in the JSON of the input only.
pub(super) const MAX_FIELDS: usize = 300;

/// A field of an input.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) is_required: bool,
    pub(super) default: Option<Value>,
    pub(super) example: Option<Value>,
    /// The type in words.
    pub(super) type_words: String,
    /// The bounds in words.
    pub(super) limits: Vec<String>,
    pub(super) control: Control,
}

/// The control of a field.
#[derive(Debug, PartialEq)]
pub(super) enum Control {
    Line,
    Text,
    Number {
        is_integer: bool,
        min: Option<String>,
        max: Option<String>,
        step: Option<String>,
    },
    Checkbox,
    /// A boolean that may be unset.
    Choice,
    Select(Vec<Value>),
    /// The URL of a file, which can be uploaded.
    File,
    /// URLs of files, one a line.
    Files,
    /// A string or JSON, with suggestions.
    Mixed(Vec<String>),
    Json,
}

/// Returns the fields of a document's input, in its order, the required ones first.
pub(super) fn fields(document: &Document) -> Vec<Field> {
    let (root, schema) = (&document.schemas.root, &document.schemas.input);
    properties(root, schema)
        .into_iter()
        .take(MAX_FIELDS)
        .map(|(name, schema, is_required)| Field::new(root, name, &schema, is_required))
        .collect()
}

/// Returns the properties of an object's schema with their expanded schemas, the required ones first.
pub(super) fn properties(root: &Value, schema: &Value) -> Vec<(String, Value, bool)> {
    let whole = expand(root, schema, &mut Vec::new());
    let required = required(&whole);
    let order: Vec<&str> = whole
        .get("x-fal-order-properties")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut properties: Vec<_> = whole
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let schema = expand(root, schema, &mut Vec::new()).into_owned();
            (name.clone(), schema, required.contains(&name.as_str()))
        })
        .collect();
    properties.sort_by_key(|(name, _, is_required)| {
        (!is_required, order.iter().position(|other| other == name).unwrap_or(usize::MAX), weight(name))
    });
    properties
}

/// Orders fields of a document without an order: what people set most comes first.
fn weight(name: &str) -> u8 {
    if name == "prompt" || name == "text" {
        0
    } else if name.contains("prompt") || name.ends_with("_url") || name.ends_with("_urls") {
        1
    } else {
        2
    }
}

impl Field {
    fn new(root: &Value, name: String, schema: &Value, is_required: bool) -> Self {
        let settled = settled(root, schema);
        let text = |key: &str| schema.get(key).or_else(|| settled.get(key));
        let examples = text("examples").and_then(Value::as_array).and_then(|examples| examples.first());
        let default = text("default").filter(|default| !default.is_null());
        Field {
            description: text("description").and_then(Value::as_str).map(str::to_owned),
            is_required,
            example: examples.or_else(|| text("example")).cloned(),
            type_words: type_words(root, schema, 3),
            limits: limits(&settled),
            control: control(root, &name, &settled, default.is_none() && !is_required),
            default: default.cloned(),
            name,
        }
    }

    /// Returns what an empty control shows: the default.
    pub(super) fn placeholder(&self) -> Option<String> {
        self.default.as_ref().map(words).filter(|words| !words.is_empty())
    }
}

/// Returns a value as a person writes it into a control.
pub(super) fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the only variant of a union that is not null.
fn settled<'s>(root: &Value, schema: &'s Value) -> Cow<'s, Value> {
    let Some(variants) = union(schema) else { return Cow::Borrowed(schema) };
    let mut others = variants.iter().filter(|variant| !is_null(variant));
    match (others.next(), others.next()) {
        (Some(only), None) => {
            let mut whole = expand(root, only, &mut Vec::new()).into_owned();
            if let (Value::Object(whole), Some(own)) = (&mut whole, schema.as_object()) {
                let own: Map<_, _> =
                    own.clone().into_iter().filter(|(key, _)| key != "anyOf" && key != "oneOf").collect();
                whole.extend(own);
            }
            Cow::Owned(whole)
        }
        _ => Cow::Borrowed(schema),
    }
}

fn control(root: &Value, name: &str, schema: &Value, may_be_unset: bool) -> Control {
    if let Some(values) = enum_values(schema) {
        return Control::Select(values);
    }
    if let Some(variants) = union(schema) {
        let variants: Vec<_> = variants.iter().map(|variant| expand(root, variant, &mut Vec::new())).collect();
        let suggestions: Vec<String> =
            variants.iter().filter_map(|variant| enum_values(variant)).flatten().map(|value| words(&value)).collect();
        let has_text = variants.iter().any(|variant| kind(variant) == Some("string"));
        return match has_text || !suggestions.is_empty() {
            true => Control::Mixed(suggestions),
            false => Control::Json,
        };
    }
    let is_url = |name: &str| name == "url" || name.ends_with("_url") || name.starts_with("url_");
    match kind(schema) {
        Some("boolean") if may_be_unset => Control::Choice,
        Some("boolean") => Control::Checkbox,
        Some(number @ ("integer" | "number")) => {
            let is_integer = number == "integer";
            let bound = |inclusive: &str, exclusive: &str, by: i64| {
                let exclusive =
                    schema.get(exclusive).and_then(Value::as_i64).filter(|_| is_integer).map(|bound| bound + by);
                schema.get(inclusive).map(Value::to_string).or_else(|| exclusive.map(|bound| bound.to_string()))
            };
            Control::Number {
                is_integer,
                min: bound("minimum", "exclusiveMinimum", 1),
                max: bound("maximum", "exclusiveMaximum", -1),
                step: schema.get("multipleOf").map(Value::to_string),
            }
        }
        Some("string") if is_url(name) => Control::File,
        Some("string") => {
            let is_long = name.contains("prompt")
                || ["text", "lyrics", "script", "gen_text", "description"].contains(&name)
                || schema.get("maxLength").and_then(Value::as_u64).is_some_and(|max| max > 300);
            if is_long { Control::Text } else { Control::Line }
        }
        Some("array") if name.ends_with("_urls") && has_string_items(root, schema) => Control::Files,
        None if is_url(name) => Control::File,
        _ => Control::Json,
    }
}

fn has_string_items(root: &Value, schema: &Value) -> bool {
    let items = schema.get("items").map(|items| expand(root, items, &mut Vec::new()));
    items.is_some_and(|items| kind(&items) == Some("string"))
}

fn enum_values(schema: &Value) -> Option<Vec<Value>> {
    if let Some(only) = schema.get("const") {
        return Some(vec![only.clone()]);
    }
    let values = schema.get("enum")?.as_array()?;
    let is_plain = values.iter().all(|value| !value.is_object() && !value.is_array());
    is_plain.then(|| values.iter().filter(|value| !value.is_null()).take(500).cloned().collect())
}

/// Returns the type of a schema in words: `list of string`.
pub(super) fn type_words(root: &Value, schema: &Value, depth: u8) -> String {
    let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
    let schema = expand(root, schema, &mut Vec::new());
    if let Some(variants) = union(&schema) {
        let mut words: Vec<String> = Vec::new();
        for variant in variants.iter().take(12) {
            let variant = type_words(root, variant, depth);
            if !words.contains(&variant) {
                words.push(variant);
            }
        }
        return words.join(" or ");
    }
    if schema.get("enum").is_some() || schema.get("const").is_some() {
        return "enum".to_owned();
    }
    match kind(&schema) {
        Some("array") => match schema.get("items") {
            Some(items) => format!("list of {}", type_words(root, items, depth)),
            None => "list".to_owned(),
        },
        Some("object") => match schema.get("title").and_then(Value::as_str) {
            Some(title) => crate::page::text::shortened(title, 60),
            None => "object".to_owned(),
        },
        Some(kind) => kind.to_owned(),
        None if is_null(&schema) => "null".to_owned(),
        None => "any".to_owned(),
    }
}

/// Returns the bounds of a schema in words.
pub(super) fn limits(schema: &Value) -> Vec<String> {
    let of = |name: &str| schema.get(name).filter(|bound| bound.is_number()).map(Value::to_string);
    let mut limits = Vec::new();
    match (of("minimum"), of("maximum")) {
        (Some(min), Some(max)) => limits.push(format!("{min} to {max}")),
        (Some(min), None) => limits.push(format!("at least {min}")),
        (None, Some(max)) => limits.push(format!("at most {max}")),
        (None, None) => {}
    }
    let named = [
        ("exclusiveMinimum", "greater than ", ""),
        ("exclusiveMaximum", "less than ", ""),
        ("multipleOf", "a multiple of ", ""),
        ("minLength", "at least ", " characters"),
        ("maxLength", "at most ", " characters"),
        ("minItems", "at least ", " items"),
        ("maxItems", "at most ", " items"),
    ];
    limits.extend(named.iter().filter_map(|(name, before, after)| Some(format!("{before}{}{after}", of(name)?))));
    limits.extend(
        schema
            .get("pattern")
            .and_then(Value::as_str)
            .map(|pattern| format!("matches {}", crate::page::text::shortened(pattern, 80))),
    );
    limits
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn control_of(name: &str, schema: Value) -> Control {
        Field::new(&json!({}), name.to_owned(), &schema, false).control
    }

    #[test]
    fn controls_follow_from_schemas() {
        assert_eq!(control_of("prompt", json!({ "type": "string" })), Control::Text);
        assert_eq!(control_of("image_url", json!({ "type": "string" })), Control::File);
        assert_eq!(control_of("image_urls", json!({ "type": "array", "items": { "type": "string" } })), Control::Files);
        assert_eq!(control_of("a", json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] })), Control::Line);
        assert_eq!(control_of("a", json!({ "type": "boolean", "default": true })), Control::Checkbox);
        assert_eq!(control_of("a", json!({ "type": "boolean" })), Control::Choice);
        assert_eq!(control_of("a", json!({ "enum": ["x", null] })), Control::Select(vec![json!("x")]));
        let mixed = json!({ "anyOf": [{ "type": "object" }, { "enum": ["square"], "type": "string" }] });
        assert_eq!(control_of("image_size", mixed), Control::Mixed(vec!["square".to_owned()]));
        assert_eq!(control_of("a", json!({ "type": "array", "items": { "type": "object" } })), Control::Json);
        assert_eq!(control_of("a", json!(true)), Control::Json);
        let number = Control::Number { is_integer: true, min: Some("1".into()), max: Some("8".into()), step: None };
        assert_eq!(control_of("a", json!({ "type": "integer", "exclusiveMinimum": 0, "maximum": 8 })), number);
    }
}
