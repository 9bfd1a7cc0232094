//! The work of a validation, bounded before it begins. A schema may contain itself in several ways, so that the work doubles
//! with each level of an input.

use serde_json::Value;

use crate::validate::bounds::COMPOSITIONS;
use crate::validate::schemas::resolve;

/// The most checks of a value with a schema. An input of a known endpoint needs some hundreds.
pub const MAX_CHECKS: usize = 200_000;
/// The most checks inside each other.
const MAX_DEPTH: usize = 500;

/// Returns whether a value can be validated within the bounds. `root` is the target of references.
pub(super) fn are_few(root: &Value, schema: &Value, value: &Value) -> bool {
    Checks { root, left: MAX_CHECKS }.add(schema, value, &mut Vec::new(), 0).is_some()
}

struct Checks<'a> {
    root: &'a Value,
    left: usize,
}

impl<'a> Checks<'a> {
    /// Counts the checks of a value with a schema and with all schemas inside it. `inside` are the references to the schema
    /// that apply to the same value. Returns `None` if there are too many.
    fn add(&mut self, schema: &'a Value, value: &Value, inside: &mut Vec<&'a str>, depth: usize) -> Option<()> {
        self.left = self.left.checked_sub(1).filter(|_| depth < MAX_DEPTH)?;
        let Value::Object(keywords) = schema else { return Some(()) };
        for (keyword, inner) in keywords {
            match (keyword.as_str(), inner, value) {
                ("$ref", Value::String(name), _) if !inside.contains(&name.as_str()) => {
                    if let Some(target) = resolve(self.root, name) {
                        inside.push(name);
                        self.add(target, value, inside, depth + 1)?;
                        inside.pop();
                    }
                }
                ("dependentSchemas", Value::Object(members), _) => {
                    members.values().try_for_each(|member| self.add(member, value, inside, depth + 1))?;
                }
                (keyword, Value::Array(members), _) if COMPOSITIONS.contains(&keyword) => {
                    members.iter().try_for_each(|member| self.add(member, value, inside, depth + 1))?;
                }
                (keyword, member, _) if COMPOSITIONS.contains(&keyword) => {
                    self.add(member, value, inside, depth + 1)?;
                }
                ("properties", Value::Object(properties), Value::Object(object)) => {
                    for (name, property) in properties {
                        if let Some(value) = object.get(name) {
                            self.add(property, value, &mut Vec::new(), depth + 1)?;
                        }
                    }
                }
                ("patternProperties", Value::Object(patterns), Value::Object(object)) => {
                    for property in patterns.values() {
                        self.add_all(property, object.values(), depth)?;
                    }
                }
                ("additionalProperties" | "unevaluatedProperties", property, Value::Object(object)) => {
                    self.add_all(property, object.values(), depth)?;
                }
                ("prefixItems", Value::Array(items), Value::Array(list)) => {
                    for (item, value) in items.iter().zip(list) {
                        self.add(item, value, &mut Vec::new(), depth + 1)?;
                    }
                }
                ("items" | "contains" | "unevaluatedItems", item, Value::Array(list)) => {
                    self.add_all(item, list.iter(), depth)?;
                }
                _ => {}
            }
        }
        Some(())
    }

    fn add_all<'v>(
        &mut self,
        schema: &'a Value,
        mut values: impl Iterator<Item = &'v Value>,
        depth: usize,
    ) -> Option<()> {
        values.try_for_each(|value| self.add(schema, value, &mut Vec::new(), depth + 1))
    }
}
