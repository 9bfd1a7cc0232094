use std::collections::BTreeSet;

use fal_documents::Document;
use fal_documents::pointer::escape;
use serde_json::{Map, Value, json};

use crate::schema::{UNDECLARED, reference};
use crate::words;

/// Deeper schemas are not searched for examples.
const MAX_DEPTH: usize = 16;

/// Declares input fields that appear only in the document's defaults and examples.
///
/// Deserialising an input rejects unknown fields, because fal ignores a misspelt one and charges for the request. A field
/// in fal's own example is not misspelt.
pub(super) fn declare(document: &mut Document) {
    let mut found = Vec::new();
    let mut search = Search { components: &document.components, seen: BTreeSet::new(), found: &mut found };
    search.schema(&document.input, &Place { component: None, pointer: String::new() }, 0);
    for (Place { component, pointer }, field, example) in found {
        let root = match component {
            Some(component) => document.components.get_mut(&component),
            None => Some(&mut document.input),
        };
        let object = root.and_then(|root| root.pointer_mut(&pointer));
        if let Some(properties) = object.and_then(|object| object.get_mut("properties")?.as_object_mut()) {
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

/// The place of a schema in the input or in a component.
#[derive(Clone)]
struct Place {
    component: Option<String>,
    pointer: String,
}

impl Place {
    fn inside(&self, path: &str) -> Self {
        Place { component: self.component.clone(), pointer: format!("{}/{path}", self.pointer) }
    }
}

struct Search<'a> {
    components: &'a Map<String, Value>,
    /// The components that were searched already.
    seen: BTreeSet<Option<String>>,
    /// The objects with undeclared fields, each with the field's name and example.
    found: &'a mut Vec<(Place, String, Value)>,
}

impl<'a> Search<'a> {
    fn schema(&mut self, schema: &'a Value, at: &Place, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let object = self.object(schema, at).or_else(|| self.object(schema.get("items")?, &at.inside("items")));
        if let Some((place, target)) = object {
            let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
            for value in examples.chain(schema.get("example")).chain(schema.get("default")) {
                match value {
                    Value::Array(list) => list.iter().for_each(|item| self.example(&place, target, item)),
                    value => self.example(&place, target, value),
                }
            }
            if place.component != at.component && self.seen.insert(place.component.clone()) {
                self.schema(target, &place, depth + 1);
            }
        }
        for keyword in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get(keyword) {
                self.schema(inner, &at.inside(keyword), depth + 1);
            }
        }
        for (index, member) in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten().enumerate() {
            self.schema(member, &at.inside(&format!("anyOf/{index}")), depth + 1);
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            self.schema(property, &at.inside(&format!("properties/{}", escape(name))), depth + 1);
        }
    }

    /// Finds the object that a schema is or refers to.
    fn object(&self, schema: &'a Value, at: &Place) -> Option<(Place, &'a Value)> {
        if let Some(name) = reference(schema) {
            let place = Place { component: Some(name.to_owned()), pointer: String::new() };
            return self.components.get(name).map(|component| (place, component));
        }
        schema.get("properties").map(|_| (at.clone(), schema))
    }

    fn example(&mut self, place: &Place, schema: &Value, example: &Value) {
        let (Some(example), Some(named)) = (example.as_object(), schema.get("properties").and_then(Value::as_object))
        else {
            return;
        };
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            return;
        }
        for (field, value) in example.iter().filter(|(field, _)| !named.contains_key(*field)) {
            self.found.push((place.clone(), field.clone(), value.clone()));
        }
    }
}
