//! Conversion of fal's schemas to JSON Schema 2020-12. The documents claim OpenAPI 3.0, but differ from 2020-12 only in
//! these ways, which are rewritten here. Everything else reaches the validator unchanged.
//!
//! - `nullable: true` becomes a union with null.
//! - A `$ref` without a target is dropped, so that it allows everything.
//! - `#/$defs/…` and `#/definitions/…` of the short form become `#/components/schemas/…`.
//! - A value that is not a schema, such as null, allows everything.
//! - A required property with a default is not required, because the service fills it in. Null is a default only where it is a
//!   value of the property.
//! - `oneOf` becomes `anyOf`, because an input without a property that the service fills in may fit several variants. Next to an
//!   `anyOf` it is dropped, as the generator does.
//! - A tuple written as `items: {"0": …, "1": …}` or `items: […, …]` becomes `prefixItems`.
//! - A bound of a number written as `min`, `ge`, `gt`, `max`, `le` or `lt` gets the name that JSON Schema has for it.
//!
//! Embedded ids and anchors are dropped too, because they would change the target of `#/components/…`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::document::component;
use crate::validate::applying::MAX_SCHEMAS;
use crate::validate::schemas::resolve;

/// The keywords whose value is a schema. Data (`enum`, `default`, `examples`) is not walked.
const SCHEMA: [&str; 9] = [
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedProperties",
];
/// The keywords whose value is an array of schemas.
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// The keywords whose value is an object of schemas.
const MAP: [&str; 5] = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];
/// The keywords that identify a schema.
const IDENTITY: [&str; 5] = ["$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$schema"];

/// Returns the name that JSON Schema has for a bound.
fn bound(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "min" | "ge" => "minimum",
        "gt" => "exclusiveMinimum",
        "max" | "le" => "maximum",
        "lt" => "exclusiveMaximum",
        _ => return None,
    })
}

/// Rewrites a schema for the validator. `root` is the target of its references.
pub(super) fn rewrite(schema: &Value, root: &Value) -> Value {
    let Value::Object(keywords) = schema else {
        return Value::Bool(schema != &Value::Bool(false));
    };
    let mut rewritten = Map::new();
    for (keyword, value) in keywords {
        match keyword.as_str() {
            "nullable" => {}
            "$ref" => {
                let target = value.as_str().map(in_components);
                if let Some(target) = target.filter(|target| resolve(root, target).is_some()) {
                    rewritten.insert("$ref".into(), Value::String(target));
                }
            }
            "items" if is_tuple(value) => {
                rewritten.insert("prefixItems".into(), tuple(value, root));
            }
            "items" if value.as_array().is_some_and(|members| !members.is_empty()) => {
                rewritten.insert("prefixItems".into(), keyword_value("prefixItems", value, root));
            }
            "required" => {
                let properties = keywords.get("properties").and_then(Value::as_object).into_iter().flatten();
                let filled_in = properties.filter(|(_, property)| has_default(property, root)).map(|(name, _)| name);
                let filled_in: BTreeSet<&str> = filled_in.map(String::as_str).collect();
                let is_filled_in = |name: &Value| name.as_str().is_some_and(|name| filled_in.contains(name));
                let names = value.as_array().into_iter().flatten().filter(|name| !is_filled_in(name));
                rewritten.insert(keyword.clone(), names.cloned().collect());
            }
            "oneOf" => {
                rewritten.entry("anyOf").or_insert_with(|| keyword_value(keyword, value, root));
            }
            name if IDENTITY.contains(&name) => {}
            name if bound(name).is_some() => {
                if let Some(name) = bound(name).filter(|name| value.is_number() && !keywords.contains_key(*name)) {
                    rewritten.insert(name.into(), value.clone());
                }
            }
            name => {
                rewritten.insert(keyword.clone(), keyword_value(name, value, root));
            }
        }
    }
    if keywords.get("nullable") == Some(&Value::Bool(true)) {
        return json!({ "anyOf": [rewritten, { "type": "null" }] });
    }
    Value::Object(rewritten)
}

/// Returns whether the service fills in a property.
fn has_default(property: &Value, root: &Value) -> bool {
    match property.get("default") {
        Some(Value::Null) => {
            let reference = property.get("$ref").and_then(Value::as_str).map(in_components);
            let target = reference.and_then(|reference| resolve(root, &reference));
            allows_null(property) || target.is_some_and(allows_null)
        }
        default => default.is_some(),
    }
}

/// Returns whether a schema, or a variant of it, states that null is a value. It looks at the last elements of long lists.
fn allows_null(schema: &Value) -> bool {
    let last = |keyword| schema.get(keyword).and_then(Value::as_array).into_iter().flatten().rev().take(MAX_SCHEMAS);
    let is_null = |schema: &Value| {
        schema.get("nullable") == Some(&Value::Bool(true)) || schema.get("type").is_some_and(|kind| kind == "null")
    };
    is_null(schema)
        || last("type").any(|kind| kind == "null")
        || last("enum").any(Value::is_null)
        || last("anyOf").chain(last("oneOf")).any(is_null)
}

/// Returns a reference to a component in the one form that [`Schemas`](super::Schemas) have.
fn in_components(reference: &str) -> String {
    match component(reference) {
        name if name == reference => reference.to_owned(),
        name => format!("#/components/schemas/{name}"),
    }
}

fn keyword_value(keyword: &str, value: &Value, root: &Value) -> Value {
    match value {
        _ if SCHEMA.contains(&keyword) => rewrite(value, root),
        Value::Array(members) if LIST.contains(&keyword) => {
            members.iter().map(|member| rewrite(member, root)).collect()
        }
        Value::Object(members) if MAP.contains(&keyword) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), rewrite(member, root))).collect())
        }
        _ => value.clone(),
    }
}

fn is_tuple(items: &Value) -> bool {
    items
        .as_object()
        .is_some_and(|members| !members.is_empty() && members.keys().all(|key| key.parse::<usize>().is_ok()))
}

fn tuple(items: &Value, root: &Value) -> Value {
    let mut members: Vec<(usize, Value)> = items
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(index, member)| Some((index.parse().ok()?, rewrite(member, root))))
        .collect();
    members.sort_by_key(|(index, _)| *index);
    members.into_iter().map(|(_, member)| member).collect()
}
