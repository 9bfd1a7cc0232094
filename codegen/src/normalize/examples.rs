use std::collections::BTreeSet;

use fal_documents::Document;
use fal_documents::pointer::escape;
use serde_json::{Map, Value, json};

use super::kinds;
use crate::schema::{NULLABLE, UNDECLARED, reference};
use crate::words;

/// Deeper schemas are not searched for examples.
const MAX_DEPTH: usize = 16;

/// The most scalars of a property that are compared with its type.
const MAX_SCALARS: usize = 32;

/// The most types of a property that are compared.
const MAX_KINDS: usize = 64;

/// The keywords that are about a property, whatever its type.
const ABOUT: &[&str] = &[
    "title",
    "description",
    "default",
    "example",
    "examples",
    "deprecated",
    "ui",
    "_fal_ui_field",
    "x-fal",
    "limit_description",
    NULLABLE,
];

/// Declares what appears only in the defaults and examples of an input: its fields, and the other types of its values.
///
/// Deserialising an input rejects unknown fields, because fal ignores a misspelt one and charges for the request. A field
/// in fal's own example is not misspelt, and fal accepts its own values.
pub(super) fn declare(document: &mut Document) {
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    let mut search =
        Search { components: &document.components, seen: BTreeSet::new(), fields: &mut fields, values: &mut values };
    search.schema(&document.input, &Place { component: None, pointer: String::new() }, 0);
    for (place, field, example) in fields {
        let properties = place.find(document).and_then(|object| object.get_mut("properties")?.as_object_mut());
        if let Some(properties) = properties {
            properties.entry(field).or_insert_with(|| property(&example));
        }
    }
    // The innermost first, because their places change with those around them.
    for (place, values) in values.iter().rev() {
        if let Some(schema) = place.find(document).and_then(Value::as_object_mut) {
            widen(schema, values);
        }
    }
}

/// Makes a union of a schema and the types of further values.
fn widen(schema: &mut Map<String, Value>, values: &[Value]) {
    let variants = kinds::types_of(values).into_iter().map(|kind| {
        let own: Vec<&Value> = values.iter().filter(|value| kinds::is_of(value, &kind)).collect();
        match own.iter().all(|value| is_url(value)) {
            // One file stands for all.
            true => json!({ "type": kind, "format": "uri" }),
            false => json!({ "type": kind, "enum": own }),
        }
    });
    let members: Vec<Value> = match schema.remove("anyOf") {
        Some(Value::Array(members)) => members.into_iter().chain(variants).collect(),
        _ => {
            let (about, of_type): (Map<_, _>, Map<_, _>) =
                std::mem::take(schema).into_iter().partition(|(keyword, _)| ABOUT.contains(&keyword.as_str()));
            *schema = about;
            [Value::Object(of_type)].into_iter().chain(variants).collect()
        }
    };
    schema.insert("anyOf".to_owned(), Value::Array(members));
}

fn is_url(value: &Value) -> bool {
    value.as_str().is_some_and(|text| ["http://", "https://", "data:"].iter().any(|scheme| text.starts_with(scheme)))
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

    fn find<'a>(&self, document: &'a mut Document) -> Option<&'a mut Value> {
        let root = match &self.component {
            Some(component) => document.components.get_mut(component),
            None => Some(&mut document.input),
        };
        root?.pointer_mut(&self.pointer)
    }
}

struct Search<'a> {
    components: &'a Map<String, Value>,
    /// The components that were searched already.
    seen: BTreeSet<Option<String>>,
    /// The objects with undeclared fields, each with the field's name and example.
    fields: &'a mut Vec<(Place, String, Value)>,
    /// The schemas with scalars of another type, each with these.
    values: &'a mut Vec<(Place, Vec<Value>)>,
}

impl<'a> Search<'a> {
    fn schema(&mut self, schema: &'a Value, at: &Place, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        // An example of a whole input or component does not change what its fields are.
        let is_whole = at.pointer.is_empty() && (at.component.is_none() || schema.get("properties").is_some());
        if !is_whole {
            self.scalars(schema, at);
        }
        let object = self.object(schema, at).or_else(|| self.object(schema.get("items")?, &at.inside("items")));
        if let Some((place, target)) = object {
            for value in stated(schema) {
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
            self.fields.push((place.clone(), field.clone(), value.clone()));
        }
    }

    /// Finds the defaults and examples of a schema that are scalars of a type that it does not have.
    fn scalars(&mut self, schema: &'a Value, at: &Place) {
        let mut kinds = Vec::new();
        let mut scalars = stated(schema).filter(|value| is_scalar(value)).take(MAX_SCALARS).peekable();
        if scalars.peek().is_none() || self.kinds(schema, &mut kinds, 0).is_none() {
            return;
        }
        // A fraction is not an integer, but no union tells the two apart.
        let is_declared = |value: &&Value| {
            let kind = |kind: &str| kinds::is_of(value, kind) || value.is_number() && kind == "integer";
            kinds.iter().any(|declared| kind(declared))
        };
        let mut values: Vec<Value> = Vec::new();
        for value in scalars.filter(|value| !is_declared(value)) {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        if !values.is_empty() {
            self.values.push((at.clone(), values));
        }
    }

    /// Adds the types of a schema. Returns `None` if it may have any type, or has too many.
    fn kinds(&self, schema: &'a Value, kinds: &mut Vec<&'a str>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH || kinds.len() > MAX_KINDS {
            return None;
        }
        if let Some(name) = reference(schema) {
            return self.kinds(self.components.get(name)?, kinds, depth + 1);
        }
        if let Some(members) = schema.get("anyOf") {
            let mut members = members.as_array().filter(|members| !members.is_empty())?.iter();
            return members.try_for_each(|member| self.kinds(member, kinds, depth + 1));
        }
        kinds.push(schema.get("type")?.as_str()?);
        Some(())
    }
}

/// Returns the examples and the default that a schema states.
fn stated(schema: &Value) -> impl Iterator<Item = &Value> {
    let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
    examples.chain(schema.get("example")).chain(schema.get("default"))
}

fn is_scalar(value: &Value) -> bool {
    value.is_string() || value.is_boolean() || value.is_number()
}
