use serde_json::{Map, Value, json};

use super::absorb;
use crate::document::Document;
use crate::schema::{MISSING, reference};

/// The most schemas that are merged in a document. Real documents have a few dozens.
const MAX_MERGES: usize = 2_000;

/// The deepest nesting of `allOf`.
const MAX_DEPTH: usize = 16;

/// Merges the members of `allOf`.
pub(super) struct Merges {
    components: Map<String, Value>,
    left: usize,
}

impl Merges {
    pub(super) fn new(document: &Document) -> Self {
        // Components are merged in their original form, regardless of the order. Few documents need the copy.
        let Document { input, output, components, .. } = document;
        let needed = [input, output].into_iter().chain(components.values()).any(mentions_several);
        Merges { components: if needed { components.clone() } else { Map::new() }, left: MAX_MERGES }
    }

    /// `{"allOf": [X], …}` becomes `{X, …}`, and several objects become one with all their fields. Siblings of `allOf` take
    /// precedence.
    pub(super) fn merge(&mut self, object: &mut Map<String, Value>) {
        for _ in 0..MAX_DEPTH {
            let Some(Value::Array(members)) = object.remove("allOf") else { return };
            if members.len() == 1 {
                for member in members {
                    if let Value::Object(member) = member {
                        absorb(object, member);
                    }
                }
                continue;
            }
            for member in members {
                self.add(object, member, 0);
            }
        }
        object.remove("allOf");
    }

    fn add(&mut self, whole: &mut Map<String, Value>, part: Value, depth: usize) {
        let Value::Object(mut part) = part else { return };
        if self.left == 0 || depth > MAX_DEPTH {
            return;
        }
        self.left -= 1;
        let reference = part.remove("$ref").and_then(|target| Some(reference(&json!({ "$ref": target }))?.to_owned()));
        if let Some(component) = reference {
            match self.components.get(&component).cloned() {
                Some(component) => self.add(whole, component, depth + 1),
                None => {
                    let missing = whole.entry(MISSING).or_insert_with(|| json!([]));
                    missing.as_array_mut().into_iter().for_each(|missing| missing.push(json!(component)));
                }
            }
        }
        if let Some(Value::Array(parts)) = part.remove("allOf") {
            parts.into_iter().for_each(|part| self.add(whole, part, depth + 1));
        }
        for (keyword, value) in part {
            match (keyword.as_str(), whole.get_mut(&keyword), value) {
                ("properties", Some(Value::Object(known)), Value::Object(more)) => absorb(known, more),
                ("required" | "x-fal-order-properties", Some(Value::Array(known)), Value::Array(more)) => {
                    known.extend(more);
                }
                (_, None, value) => drop(whole.insert(keyword, value)),
                _ => {}
            }
        }
    }
}

fn mentions_several(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => {
            object.get("allOf").and_then(Value::as_array).is_some_and(|members| members.len() > 1)
                || object.values().any(mentions_several)
        }
        Value::Array(list) => list.iter().any(mentions_several),
        _ => false,
    }
}
