use std::collections::{BTreeMap, BTreeSet};

use fal_documents::Document;
use fal_documents::budget::{self, Budget};
use serde_json::{Map, Value, json};

use super::absorb;
use crate::schema::{MISSING, reference};

/// A component that contains itself is merged into itself this often. Below, it is referred to.
const MAX_REPEATS: usize = 3;

/// Merges the members of `allOf`.
pub(super) struct Merges {
    components: Map<String, Value>,
    /// The components that were merged into the schemas around the current one, each with how often.
    around: BTreeMap<String, usize>,
    /// The budget for what merging adds to the document.
    budget: Budget,
    has_exceeded: bool,
}

impl Merges {
    pub(super) fn new(document: &Document, budget: Budget) -> Self {
        // Components are merged in their original form, regardless of the order. Few documents need the copy.
        let Document { input, output, components, .. } = document;
        let needed = [input, output].into_iter().chain(components.values()).any(mentions_several);
        let components = if needed { components.clone() } else { Map::new() };
        Merges { components, around: BTreeMap::new(), budget, has_exceeded: false }
    }

    /// Returns true if merging would have added more than it may. The document is incomplete then.
    pub(super) fn has_exceeded(&self) -> bool {
        self.has_exceeded
    }

    /// `{"allOf": [X], …}` becomes `{X, …}`, and several objects become one with all their fields. Siblings of `allOf` take
    /// precedence.
    ///
    /// Returns the merged components. They count as around the schema until [`Merges::leave`].
    pub(super) fn enter(&mut self, object: &mut Map<String, Value>, component: Option<&str>) -> BTreeSet<String> {
        // A component adds nothing to itself, and neither does a component that is mentioned twice.
        let mut seen: BTreeSet<String> = component.map(str::to_owned).into_iter().collect();
        while let Some(Value::Array(members)) = object.remove("allOf") {
            match <[Value; 1]>::try_from(members) {
                Ok([Value::Object(only)]) => absorb(object, only),
                Ok(_) => {}
                Err(members) => self.add(object, members, &mut seen),
            }
        }
        seen.iter().for_each(|component| *self.around.entry(component.clone()).or_default() += 1);
        seen
    }

    pub(super) fn leave(&mut self, entered: &BTreeSet<String>) {
        for component in entered {
            match self.around.get_mut(component) {
                Some(times) if *times > 1 => *times -= 1,
                _ => drop(self.around.remove(component)),
            }
        }
    }

    fn add(&mut self, whole: &mut Map<String, Value>, members: Vec<Value>, seen: &mut BTreeSet<String>) {
        let mut parts: Vec<Value> = members.into_iter().rev().collect();
        while let Some(part) = parts.pop() {
            let Value::Object(mut part) = part else { continue };
            let component = part.get("$ref").is_some().then(|| part.remove("$ref")).flatten();
            let component = component.and_then(|target| Some(reference(&json!({ "$ref": target }))?.to_owned()));
            match (component, part.remove("allOf")) {
                (None, None) => merge(whole, part),
                // What a part refers to and consists of precedes its own keywords.
                (component, nested) => {
                    parts.push(Value::Object(part));
                    if let Some(Value::Array(nested)) = nested {
                        parts.extend(nested.into_iter().rev());
                    }
                    if let Some(component) = component {
                        parts.extend(self.component(component, whole, seen));
                    }
                }
            }
        }
    }

    /// Returns the schema of a component to merge, if it is to be merged.
    fn component(
        &mut self,
        component: String,
        whole: &mut Map<String, Value>,
        seen: &mut BTreeSet<String>,
    ) -> Option<Value> {
        let Some(schema) = self.components.get(&component) else {
            let missing = whole.entry(MISSING).or_insert_with(|| json!([]));
            missing.as_array_mut().into_iter().for_each(|missing| missing.push(json!(component)));
            return None;
        };
        if self.around.get(&component).is_some_and(|times| *times >= MAX_REPEATS) {
            whole.entry("$ref").or_insert_with(|| json!(format!("#/components/schemas/{component}")));
            return None;
        }
        if seen.contains(&component) {
            return None;
        }
        // Measuring takes time too.
        if self.has_exceeded || !self.budget.spend(budget::size(schema)) {
            self.has_exceeded = true;
            return None;
        }
        let schema = schema.clone();
        seen.insert(component);
        Some(schema)
    }
}

/// Adds a part's keywords to the whole, whose own take precedence.
fn merge(whole: &mut Map<String, Value>, part: Map<String, Value>) {
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
