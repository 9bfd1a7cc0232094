//! Comparison of an outcome with the expected verdict.

use serde_json::Value;

use crate::instance::{Expect, Instance, Side};

/// The result of running an instance through the generated code: the serialized value, or the reason for rejection.
pub(crate) type Outcome = Result<Value, String>;

/// The schemas of a document.
#[derive(Clone, Debug)]
pub(crate) struct Schemas {
    pub(crate) input: Value,
    pub(crate) output: Value,
    pub(crate) components: Value,
}

/// Checks an outcome. The error says what is wrong with it.
pub(crate) fn check(instance: &Instance, outcome: &Outcome, schemas: Option<&Schemas>) -> Result<(), String> {
    match (instance.expect, outcome) {
        (Expect::Reject | Expect::RejectByOtherBounds, Err(_)) => Ok(()),
        (Expect::Reject | Expect::RejectByOtherBounds, Ok(_)) => Err("should have been rejected".to_owned()),
        (Expect::Accept, Err(error)) => Err(format!("should have been accepted: {error}")),
        (Expect::Tolerate, Err(error)) => Err(format!("should have been tolerated: {error}")),
        (Expect::Accept, Ok(serialized)) => same(&instance.value, serialized, ""),
        (Expect::Tolerate, Ok(serialized)) => {
            let schema = schemas.filter(|_| instance.side == Side::Output).map(|schemas| &schemas.output);
            let components = schemas.map_or(&Value::Null, |schemas| &schemas.components);
            survives(&instance.value, serialized, &schema.into_iter().collect::<Vec<_>>(), components, "")
        }
    }
}

/// Requires that two values are the same JSON. Null equals absent, and 1 equals 1.0.
fn same(expected: &Value, found: &Value, at: &str) -> Result<(), String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for key in expected.keys().chain(found.keys()) {
                let (expected, found) =
                    (expected.get(key).unwrap_or(&Value::Null), found.get(key).unwrap_or(&Value::Null));
                same(expected, found, &format!("{at}/{key}"))?;
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.try_for_each(|(index, (expected, found))| same(expected, found, &format!("{at}/{index}")))
        }
        _ if scalars_equal(expected, found) => Ok(()),
        _ => Err(format!("{} became {} at `{at}`", shorten(expected), shorten(found))),
    }
}

/// Requires that every value that a schema declares is still present.
fn survives(expected: &Value, found: &Value, schemas: &[&Value], components: &Value, at: &str) -> Result<(), String> {
    let variants: Vec<&Value> = schemas.iter().flat_map(|schema| variants(schema, components, 0)).collect();
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected.iter().filter(|(_, value)| !value.is_null()) {
                let declared: Vec<&Value> = variants.iter().filter_map(|schema| property(schema, key)).collect();
                // If no variant declares properties, every property counts as declared.
                let free = variants.iter().all(|schema| schema.get("properties").is_none());
                if declared.is_empty() && !free {
                    continue;
                }
                let found = found.get(key).unwrap_or(&Value::Null);
                survives(value, found, &declared, components, &format!("{at}/{key}"))?;
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let items: Vec<&Value> = variants.iter().filter_map(|schema| schema.get("items")).collect();
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.try_for_each(|(index, (expected, found))| {
                survives(expected, found, &items, components, &format!("{at}/{index}"))
            })
        }
        (Value::Null, _) => Ok(()),
        _ if scalars_equal(expected, found) => Ok(()),
        _ => Err(format!("{} became {} at `{at}`", shorten(expected), shorten(found))),
    }
}

/// Returns a schema together with the schemas that it refers to or combines.
fn variants<'a>(schema: &'a Value, components: &'a Value, depth: usize) -> Vec<&'a Value> {
    if depth > 16 {
        return Vec::new();
    }
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
    let target = target.and_then(|name| components.get(name));
    let combined = ["anyOf", "oneOf", "allOf"].iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten();
    let mut found = vec![schema];
    found.extend(target.into_iter().chain(combined).flat_map(|schema| variants(schema, components, depth + 1)));
    found
}

fn property<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema.get("properties").and_then(|properties| properties.get(key)).or(schema.get("additionalProperties"))
}

fn scalars_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn shorten(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Schemas, check};
    use crate::instance::{Expect, Instance, Side};

    fn passes(expect: Expect, value: Value, outcome: Result<Value, &str>) -> bool {
        let (id, case) = ("a/b".to_owned(), String::new());
        let schemas = Schemas {
            input: Value::Null,
            output: json!({ "$ref": "#/components/schemas/Output" }),
            components: json!({ "Output": { "properties": { "list": { "items": { "properties": { "x": {} } } }, "map": {} } } }),
        };
        let instance = Instance { id, side: Side::Output, case, expect, value };
        check(&instance, &outcome.map_err(str::to_owned), Some(&schemas)).is_ok()
    }

    #[test]
    fn accepted_instance_must_serialize_to_the_same_json() {
        let accept = |value, outcome| passes(Expect::Accept, value, Ok(outcome));
        assert!(accept(json!({ "a": 1, "b": null }), json!({ "a": 1.0, "c": null })));
        assert!(accept(json!({ "a": u64::MAX }), json!({ "a": u64::MAX })));
        assert!(!accept(json!({ "a": u64::MAX }), json!({ "a": u64::MAX - 1 })));
        assert!(!accept(json!({ "a": 1 }), json!({})));
        assert!(!accept(json!({}), json!({ "a": [] })));
        assert!(!accept(json!({ "a": [1, 2] }), json!({ "a": [1] })));
        assert!(!passes(Expect::Accept, json!({}), Err("no")));
    }

    #[test]
    fn rejected_instance_must_fail() {
        assert!(passes(Expect::Reject, json!({}), Err("no")));
        assert!(!passes(Expect::Reject, json!({}), Ok(json!({}))));
    }

    #[test]
    fn tolerated_instance_must_keep_declared_values() {
        let tolerate = |value, outcome| passes(Expect::Tolerate, value, Ok(outcome));
        assert!(tolerate(json!({ "list": [{ "x": 3.0, "new": 1 }], "new": {} }), json!({ "list": [{ "x": 3 }] })));
        assert!(!tolerate(json!({ "list": [{ "x": 3 }] }), json!({ "list": [{}] })));
        assert!(!tolerate(json!({ "map": { "any": 1 } }), json!({ "map": {} })));
        assert!(tolerate(json!({ "map": null }), json!({ "map": {} })));
        assert!(!passes(Expect::Tolerate, json!({}), Err("no")));
    }
}
