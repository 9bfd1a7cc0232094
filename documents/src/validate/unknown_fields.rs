//! Fields that no schema declares. fal ignores them, so a misspelt field has no effect.

use serde_json::{Value, json};

use crate::validate::applying::{self, MAX_SCHEMAS};
use crate::validate::violation::Violation;

/// The deepest value that is looked at.
const MAX_DEPTH: usize = 32;

/// Returns a violation for each field of a value that is not declared, with the names that are.
pub(super) fn violations(root: &Value, schema: &Value, value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    applying::add(root, schema, &mut all);
    let mut found = Vec::new();
    collect(root, &all, value, &mut vec![json!("body")], &mut found);
    found
}

fn collect(root: &Value, all: &[&Value], value: &Value, loc: &mut Vec<Value>, found: &mut Vec<Value>) {
    if loc.len() > MAX_DEPTH || all.len() >= MAX_SCHEMAS {
        return;
    }
    match value {
        Value::Array(items) => {
            let inner = applying::inside(root, all, value, "");
            for (index, item) in items.iter().enumerate() {
                loc.push(json!(index));
                collect(root, &inner, item, loc, found);
                loc.pop();
            }
        }
        Value::Object(members) => {
            let declared = declared(all);
            let is_closed = !declared.is_empty() && !all.iter().any(|schema| is_open(schema));
            for (name, member) in members {
                if is_closed && !declared.contains(&name.as_str()) {
                    let violation = Violation::new("extra_forbidden", "Extra inputs are not permitted");
                    let violation = violation.with("expected", json!(declared)).at(&json!(name));
                    found.push(violation.detail(Value::Array(loc.clone()), Some(value)));
                    continue;
                }
                loc.push(json!(name));
                collect(root, &applying::inside(root, all, value, name), member, loc, found);
                loc.pop();
            }
        }
        _ => {}
    }
}

/// Returns the names of the properties that schemas declare, sorted.
fn declared<'a>(all: &[&'a Value]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for name in all.iter().filter_map(|schema| schema.get("properties")?.as_object()).flat_map(|members| members.keys())
    {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort_unstable();
    names
}

/// Returns true if a schema allows properties that it does not declare, explicitly or because it declares none.
fn is_open(schema: &Value) -> bool {
    let allows = |keyword: &str| schema.get(keyword).is_some_and(|value| *value != Value::Bool(false));
    let declares =
        ["properties", "$ref", "allOf", "anyOf", "oneOf"].iter().any(|keyword| schema.get(keyword).is_some());
    ["additionalProperties", "patternProperties", "unevaluatedProperties"].into_iter().any(allows)
        || schema.get("type") == Some(&json!("object")) && !declares
}
