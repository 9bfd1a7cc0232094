//! Helpers that read a schema without a validator.

use std::borrow::Cow;

use fal_documents::validate::resolve;
use serde_json::{Map, Value, json};

/// Follows references to their final target. A cycle ends after 16 steps.
pub(crate) fn follow<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..16 {
        match schema.get("$ref").and_then(Value::as_str).and_then(|target| resolve(root, target)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// Follows the references of a schema and merges its compositions. Adds the references to `followed`.
pub(crate) fn expand<'a>(root: &'a Value, schema: &'a Value, followed: &mut Vec<String>) -> Cow<'a, Value> {
    let here = followed.len();
    expand_from(here, root, schema, followed)
}

/// References from index `here` on are merged already.
fn expand_from<'a>(here: usize, root: &'a Value, schema: &'a Value, followed: &mut Vec<String>) -> Cow<'a, Value> {
    let Value::Object(keywords) = schema else {
        return Cow::Borrowed(schema);
    };
    let mut parts = Vec::new();
    for part in keywords.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        parts.push(expand_from(here, root, part, followed));
    }
    if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
        let is_new = !followed[here..].iter().any(|other| other == reference);
        if let Some(target) = resolve(root, reference).filter(|_| is_new) {
            followed.push(reference.to_owned());
            parts.push(expand_from(here, root, target, followed));
        }
        if keywords.len() == 1 {
            return parts.pop().unwrap_or(Cow::Borrowed(&Value::Bool(true)));
        }
    }
    if parts.is_empty() {
        return Cow::Borrowed(schema);
    }
    let mut whole = Map::new();
    for part in parts.iter().filter_map(|part| part.as_object()) {
        merge(&mut whole, part);
    }
    let own = keywords.iter().filter(|(keyword, _)| *keyword != "allOf" && *keyword != "$ref");
    merge(&mut whole, &own.map(|(keyword, value)| (keyword.clone(), value.clone())).collect());
    Cow::Owned(Value::Object(whole))
}

/// Merges the keywords of a schema into those of another. A value has to satisfy both.
fn merge(whole: &mut Map<String, Value>, part: &Map<String, Value>) {
    for (keyword, value) in part {
        match (keyword.as_str(), whole.get_mut(keyword), value) {
            ("properties", Some(Value::Object(properties)), Value::Object(more)) => {
                for (name, property) in more {
                    let both = match properties.remove(name) {
                        Some(other) if other != *property => json!({ "allOf": [other, property] }),
                        _ => property.clone(),
                    };
                    properties.insert(name.clone(), both);
                }
            }
            ("required", Some(Value::Array(required)), Value::Array(more)) => required.extend(more.iter().cloned()),
            _ => {
                whole.insert(keyword.clone(), value.clone());
            }
        }
    }
}

/// Joins a variant of a union with the keywords that the union itself has.
pub(crate) fn with_siblings<'a>(union: &Value, variant: &'a Value) -> Cow<'a, Value> {
    let is_assertion = |keyword: &str| matches!(keyword, "properties" | "required" | "type" | "additionalProperties");
    let siblings: Map<String, Value> = union
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(keyword, _)| is_assertion(keyword))
        .map(|(keyword, value)| (keyword.clone(), value.clone()))
        .collect();
    if siblings.is_empty() {
        return Cow::Borrowed(variant);
    }
    Cow::Owned(json!({ "allOf": [siblings, variant] }))
}

/// Returns the names of the required properties.
pub(crate) fn required(schema: &Value) -> Vec<&str> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

/// Returns the variants of a union.
pub(crate) fn union(schema: &Value) -> Option<&Vec<Value>> {
    schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))
        .and_then(Value::as_array)
        .filter(|variants| !variants.is_empty())
}

/// Returns the JSON type that a schema describes, apart from null.
pub(crate) fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => Some(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ if schema.get("properties").is_some() => Some("object"),
        _ if schema.get("items").is_some() || schema.get("prefixItems").is_some() => Some("array"),
        _ => None,
    }
}

/// Returns whether a schema allows only null.
pub(crate) fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// Returns whether a value has the type of a schema, is one of its enum values and is within its bounds. Checks unions
/// and references, but not the content of arrays and objects.
pub(crate) fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
    fits_to(root, schema, value, 16)
}

fn fits_to(root: &Value, schema: &Value, value: &Value, depth: u8) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let schema = follow(root, schema);
    if let Some(variants) = union(schema) {
        return variants.iter().any(|variant| fits_to(root, variant, value, depth));
    }
    let parts = schema.get("allOf").and_then(Value::as_array);
    if parts.is_some_and(|parts| !parts.iter().all(|part| fits_to(root, part, value, depth))) {
        return false;
    }
    if let Some(expected) = schema.get("const") {
        return expected == value;
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.contains(value);
    }
    has_type(schema, value) && within_bounds(schema, value)
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let kinds: Cow<'_, [Value]> = match schema.get("type") {
        Some(Value::Array(kinds)) => Cow::Borrowed(kinds),
        Some(kind) => Cow::Owned(vec![kind.clone()]),
        None => return true,
    };
    kinds.iter().filter_map(Value::as_str).any(|kind| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_number() && value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => false,
    })
}

fn within_bounds(schema: &Value, value: &Value) -> bool {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    if let Some(number) = value.as_f64() {
        return bound("minimum").is_none_or(|min| number >= min)
            && bound("maximum").is_none_or(|max| number <= max)
            && bound("exclusiveMinimum").is_none_or(|min| number > min)
            && bound("exclusiveMaximum").is_none_or(|max| number < max)
            && bound("multipleOf").is_none_or(|step| step <= 0.0 || (number / step).fract() == 0.0);
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as f64;
        return bound("minLength").is_none_or(|min| length >= min)
            && bound("maxLength").is_none_or(|max| length <= max);
    }
    true
}
