//! Bounds of numbers under names that JSON Schema does not have. A validator of JSON Schema ignores them, so instances that
//! it labelled may break them.

use serde_json::Value;

use crate::instance::{Expect, Instance, Side};
use crate::verdict::Schemas;

/// Schemas nested deeper than this are not looked at.
const MAX_DEPTH: usize = 32;

/// Returns true if a value obeys a bound.
type Holds = fn(&f64, &f64) -> bool;

/// Each name with that of JSON Schema, which takes precedence, and the comparison of a value with the bound.
const NAMES: [(&str, &str, Holds); 6] = [
    ("min", "minimum", f64::ge),
    ("ge", "minimum", f64::ge),
    ("gt", "exclusiveMinimum", f64::gt),
    ("max", "maximum", f64::le),
    ("le", "maximum", f64::le),
    ("lt", "exclusiveMaximum", f64::lt),
];

/// Returns true if an input is labelled as valid although it breaks such a bound.
pub(crate) fn are_unknown_to_label(instance: &Instance, schemas: Option<&Schemas>) -> bool {
    let is_labelled_valid = instance.side == Side::Input && instance.expect == Expect::Accept;
    is_labelled_valid
        && schemas.is_some_and(|schemas| breaks(&schemas.input, &schemas.components, &instance.value, MAX_DEPTH))
}

fn breaks(schema: &Value, components: &Value, value: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let inner = |schema: &Value, value: &Value| breaks(schema, components, value, depth);
    if is_stated(schema, value) {
        return false;
    }
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|name| components.get(name.rsplit('/').next()?));
    let list = |keyword: &str| schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
    // A value need only obey one variant of its type.
    let variants: Vec<&Value> = list("anyOf").chain(list("oneOf")).filter(|variant| takes(variant, value)).collect();
    if target.into_iter().chain(list("allOf")).any(|schema| inner(schema, value))
        || (!variants.is_empty() && variants.into_iter().all(|variant| inner(variant, value)))
    {
        return true;
    }
    match value {
        Value::Number(number) => NAMES.iter().any(|(name, precedes, holds)| {
            let bound = schema.get(*name).filter(|_| schema.get(*precedes).is_none()).and_then(Value::as_f64);
            bound.zip(number.as_f64()).is_some_and(|(bound, number)| !holds(&number, &bound))
        }),
        Value::Array(items) => schema.get("items").is_some_and(|schema| items.iter().any(|item| inner(schema, item))),
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let declared = schema.get("properties").and_then(|properties| properties.get(name));
            declared.or(schema.get("additionalProperties")).is_some_and(|schema| inner(schema, value))
        }),
        _ => false,
    }
}

/// Returns true if a value is the default or an example of its schema, which is accepted in any case.
fn is_stated(schema: &Value, value: &Value) -> bool {
    let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
    schema.get("default").into_iter().chain(schema.get("example")).chain(examples).any(|stated| stated == value)
}

/// Returns true unless a variant is of another type than a value.
fn takes(variant: &Value, value: &Value) -> bool {
    match variant.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MAX_DEPTH, breaks};

    #[test]
    fn bounds_under_other_names_are_read_wherever_numbers_are() {
        let components = json!({ "Part": { "properties": { "scale": { "ge": -4, "lt": 4 } } } });
        let schema = json!({ "properties": {
            "tokens": { "type": "integer", "min": 32, "max": 1024, "default": 8 },
            "strength": { "anyOf": [{ "type": "number", "gt": 0 }, { "type": "null" }] },
            "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Part" } },
            "both": { "type": "number", "min": 5, "minimum": 1 },
        } });
        let breaks = |value: Value| breaks(&schema, &components, &value, MAX_DEPTH);
        for value in [
            json!({ "tokens": 3 }),
            json!({ "tokens": 1025 }),
            json!({ "strength": 0 }),
            json!({ "parts": [{ "scale": 0 }, { "scale": 4 }] }),
        ] {
            assert!(breaks(value.clone()), "{value}");
        }
        for value in [
            json!({}),
            json!({ "tokens": 32, "strength": null, "parts": [{ "scale": -4 }], "both": 2 }),
            json!({ "tokens": 8 }),
        ] {
            assert!(!breaks(value.clone()), "{value}");
        }
    }
}
