//! Whether an instance was treated as it should be.

use serde_json::Value;

use crate::instance::{Expect, Instance, Of};

/// What the generated code made of an instance: the value it wrote back, or why it refused.
pub(crate) type Answer = Result<Value, String>;

/// A document's schemas: what an output names is looked up in them.
#[derive(Clone, Debug)]
pub(crate) struct Schemas {
    pub(crate) output: Value,
    pub(crate) components: Value,
}

/// Judges an answer; `Err` says what is wrong with it.
pub(crate) fn judge(instance: &Instance, answer: &Answer, schemas: Option<&Schemas>) -> Result<(), String> {
    match (instance.expect, answer) {
        (Expect::Reject, Err(_)) => Ok(()),
        (Expect::Reject, Ok(_)) => Err("should have been refused".to_owned()),
        (Expect::Accept, Err(error)) => Err(format!("should have been accepted: {error}")),
        (Expect::Tolerate, Err(error)) => Err(format!("should have been tolerated: {error}")),
        (Expect::Accept, Ok(written)) => same(&instance.value, written, ""),
        (Expect::Tolerate, Ok(written)) => {
            let schema = schemas.filter(|_| instance.of == Of::Output).map(|schemas| &schemas.output);
            let components = schemas.map_or(&Value::Null, |schemas| &schemas.components);
            survives(&instance.value, written, &schema.into_iter().collect::<Vec<_>>(), components, "")
        }
    }
}

/// Whether two values are the same JSON, where null equals absent and 1 equals 1.0.
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
            pairs.try_for_each(|(place, (expected, found))| same(expected, found, &format!("{at}/{place}")))
        }
        _ if scalars_equal(expected, found) => Ok(()),
        _ => Err(format!("{} became {} at {at:?}", short(expected), short(found))),
    }
}

/// Whether every value that a schema names is still there.
fn survives(expected: &Value, found: &Value, schemas: &[&Value], components: &Value, at: &str) -> Result<(), String> {
    let members: Vec<&Value> = schemas.iter().flat_map(|schema| members(schema, components, 0)).collect();
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected.iter().filter(|(_, value)| !value.is_null()) {
                let named: Vec<&Value> = members.iter().filter_map(|schema| property(schema, key)).collect();
                // Where no member says what its fields are, everything is named.
                let free = members.iter().all(|schema| schema.get("properties").is_none());
                if named.is_empty() && !free {
                    continue;
                }
                let found = found.get(key).unwrap_or(&Value::Null);
                survives(value, found, &named, components, &format!("{at}/{key}"))?;
            }
            Ok(())
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let items: Vec<&Value> = members.iter().filter_map(|schema| schema.get("items")).collect();
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.try_for_each(|(place, (expected, found))| {
                survives(expected, found, &items, components, &format!("{at}/{place}"))
            })
        }
        (Value::Null, _) => Ok(()),
        _ if scalars_equal(expected, found) => Ok(()),
        _ => Err(format!("{} became {} at {at:?}", short(expected), short(found))),
    }
}

/// A schema, or what it refers to and unites.
fn members<'a>(schema: &'a Value, components: &'a Value, depth: usize) -> Vec<&'a Value> {
    if depth > 16 {
        return Vec::new();
    }
    let referred = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
    let referred = referred.and_then(|name| components.get(name));
    let united = ["anyOf", "oneOf", "allOf"].iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten();
    let mut found = vec![schema];
    found.extend(referred.into_iter().chain(united).flat_map(|schema| members(schema, components, depth + 1)));
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

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Schemas, judge};
    use crate::instance::{Expect, Instance, Of};

    fn verdict(expect: Expect, value: Value, answer: Result<Value, &str>) -> bool {
        let (id, case) = ("a/b".to_owned(), String::new());
        let schemas = Schemas {
            output: json!({ "$ref": "#/components/schemas/Output" }),
            components: json!({ "Output": { "properties": { "list": { "items": { "properties": { "x": {} } } }, "map": {} } } }),
        };
        let instance = Instance { id, of: Of::Output, case, expect, value };
        judge(&instance, &answer.map_err(str::to_owned), Some(&schemas)).is_ok()
    }

    #[test]
    fn to_accept_is_to_write_the_same_back() {
        let accept = |value, answer| verdict(Expect::Accept, value, Ok(answer));
        assert!(accept(json!({ "a": 1, "b": null }), json!({ "a": 1.0, "c": null })));
        assert!(accept(json!({ "a": u64::MAX }), json!({ "a": u64::MAX })));
        assert!(!accept(json!({ "a": u64::MAX }), json!({ "a": u64::MAX - 1 })));
        assert!(!accept(json!({ "a": 1 }), json!({})));
        assert!(!accept(json!({}), json!({ "a": [] })));
        assert!(!accept(json!({ "a": [1, 2] }), json!({ "a": [1] })));
        assert!(!verdict(Expect::Accept, json!({}), Err("no")));
    }

    #[test]
    fn to_reject_is_to_refuse() {
        assert!(verdict(Expect::Reject, json!({}), Err("no")));
        assert!(!verdict(Expect::Reject, json!({}), Ok(json!({}))));
    }

    #[test]
    fn to_tolerate_is_to_keep_what_the_schema_names() {
        let tolerate = |value, answer| verdict(Expect::Tolerate, value, Ok(answer));
        assert!(tolerate(json!({ "list": [{ "x": 3.0, "new": 1 }], "new": {} }), json!({ "list": [{ "x": 3 }] })));
        assert!(!tolerate(json!({ "list": [{ "x": 3 }] }), json!({ "list": [{}] })));
        assert!(!tolerate(json!({ "map": { "any": 1 } }), json!({ "map": {} })));
        assert!(tolerate(json!({ "map": null }), json!({ "map": {} })));
        assert!(!verdict(Expect::Tolerate, json!({}), Err("no")));
    }
}
