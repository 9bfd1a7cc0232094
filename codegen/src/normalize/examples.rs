use std::collections::BTreeSet;

use fal_documents::Document;
use serde_json::{Map, Value, json};

use crate::schema::{UNDECLARED, reference};
use crate::words;

/// Deeper schemas are not searched for examples.
const MAX_DEPTH: usize = 16;

/// Declares input fields that appear only in the document's examples.
///
/// Deserialising an input rejects unknown fields, because fal ignores a misspelt one and charges for the request. A field
/// in fal's own example is not misspelt.
pub(super) fn declare(document: &mut Document) {
    let mut found = Vec::new();
    let mut search = Search { components: &document.components, seen: BTreeSet::new(), found: &mut found };
    search.schema(&document.input, 0);
    for (component, field, example) in found {
        let Some(properties) = document.components.get_mut(&component).and_then(|schema| schema.get_mut("properties"))
        else {
            continue;
        };
        if let Some(properties) = properties.as_object_mut() {
            properties.entry(field).or_insert_with(|| property(&example));
        }
    }
}

fn property(example: &Value) -> Value {
    let mut property = json!({ "description": words::FROM_EXAMPLE });
    property[UNDECLARED] = json!(true);
    let kind = match example {
        Value::Bool(_) => Some("boolean"),
        Value::Number(_) => Some("number"),
        Value::String(_) => Some("string"),
        _ => None,
    };
    if let Some(kind) = kind {
        property["type"] = json!(kind);
    }
    property
}

struct Search<'a> {
    components: &'a Map<String, Value>,
    /// The components that were searched already.
    seen: BTreeSet<&'a str>,
    /// The components with undeclared fields, each with the field's name and example.
    found: &'a mut Vec<(String, String, Value)>,
}

impl<'a> Search<'a> {
    fn schema(&mut self, schema: &'a Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        let component = self.component(schema).or_else(|| self.component(schema.get("items")?));
        if let Some((component, target)) = component {
            for example in examples.chain(schema.get("example")) {
                match example {
                    Value::Array(list) => list.iter().for_each(|item| self.example(component, target, item)),
                    example => self.example(component, target, example),
                }
            }
            if self.seen.insert(component) {
                self.schema(target, depth + 1);
            }
        }
        let inner = ["items", "additionalProperties"].iter().filter_map(|keyword| schema.get(*keyword));
        let members = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        let properties = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values);
        inner.chain(members).chain(properties).for_each(|schema| self.schema(schema, depth + 1));
    }

    fn component(&self, schema: &'a Value) -> Option<(&'a str, &'a Value)> {
        let name = reference(schema)?;
        self.components.get(name).map(|component| (name, component))
    }

    fn example(&mut self, component: &str, schema: &Value, example: &Value) {
        let (Some(example), Some(named)) = (example.as_object(), schema.get("properties").and_then(Value::as_object))
        else {
            return;
        };
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            return;
        }
        for (field, value) in example.iter().filter(|(field, _)| !named.contains_key(*field)) {
            self.found.push((component.to_owned(), field.clone(), value.clone()));
        }
    }
}
