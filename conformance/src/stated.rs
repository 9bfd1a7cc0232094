//! The defaults and examples of the documents, each as an instance: an endpoint's input with one field set to it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::instance::{Expect, Instance, Side};
use crate::verdict::Schemas;

/// The deepest path of a field.
const MAX_DEPTH: usize = 6;

/// A default or an example of a field.
pub(crate) struct Stated {
    pub(crate) instance: Instance,
    /// The reason why no value of the field's type is written like this, if so: the document contradicts itself.
    pub(crate) contradiction: Option<String>,
}

/// Returns the defaults and examples in the input of an endpoint. `base` is a valid input to put the values into.
pub(crate) fn of(id: &str, schemas: &Schemas, base: Option<&Value>) -> Vec<Stated> {
    let mut finder = Finder { id, schemas, found: Vec::new(), inside: BTreeSet::new() };
    let base = base.cloned().unwrap_or_else(|| finder.made(&schemas.input, MAX_DEPTH));
    let put = |value: Value| value;
    finder.fields(&schemas.input, &base, "Input", &put, MAX_DEPTH);
    finder.found
}

struct Finder<'a> {
    id: &'a str,
    schemas: &'a Schemas,
    found: Vec<Stated>,
    /// The components around the current schema.
    inside: BTreeSet<String>,
}

impl<'a> Finder<'a> {
    /// Finds the values of an object's fields. `put` makes an input with a value for the object.
    fn fields(&mut self, schema: &'a Value, base: &Value, at: &str, put: &dyn Fn(Value) -> Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let schema = self.target(schema);
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let at = format!("{at}.{name}");
            let put_field = |value: Value| {
                let mut object = base.as_object().cloned().unwrap_or_default();
                object.insert(name.clone(), value);
                put(Value::Object(object))
            };
            let examples = property.get("examples").and_then(Value::as_array).into_iter().flatten();
            let values = property.get("default").into_iter().map(|value| ("default", value));
            let values =
                values.chain(property.get("example").into_iter().chain(examples).map(|value| ("example", value)));
            for (what, value) in values.filter(|(_, value)| !value.is_null()) {
                let instance = Instance {
                    id: self.id.to_owned(),
                    side: Side::Input,
                    case: format!("{what} of {at}"),
                    expect: Expect::Accept,
                    value: put_field(value.clone()),
                };
                // The generator declares the other types of scalars.
                let is_declared = value.is_string() || value.is_boolean() || value.is_i64() || value.is_u64();
                let contradiction = self.contradiction(property, value, MAX_DEPTH).filter(|_| !is_declared);
                self.found.push(Stated { instance, contradiction });
            }
            for part in self.parts(property) {
                let component = part.get("$ref").and_then(Value::as_str).map(str::to_owned);
                if component.as_ref().is_some_and(|component| !self.inside.insert(component.clone())) {
                    continue;
                }
                let array = array_of(property, part);
                let base = self.made(part, MAX_DEPTH);
                let put_part = |value: Value| {
                    put_field(match array {
                        Some(array) => Value::Array(vec![value; min_items(array)]),
                        None => value,
                    })
                };
                self.fields(part, &base, &at, &put_part, depth);
                if let Some(component) = component {
                    self.inside.remove(&component);
                }
            }
        }
    }

    /// Returns the objects with fields among a property and its items, if it has only one form.
    fn parts(&self, property: &'a Value) -> Vec<&'a Value> {
        let variants =
            property.get("anyOf").or(property.get("oneOf")).or(property.get("allOf")).and_then(Value::as_array);
        let schemas = variants.map_or_else(|| vec![property], |variants| variants.iter().collect());
        let schemas: Vec<&Value> = schemas.iter().map(|schema| schema.get("items").unwrap_or(schema)).collect();
        let objects: Vec<&Value> =
            schemas.into_iter().filter(|schema| self.target(schema).get("properties").is_some()).collect();
        if objects.len() == 1 { objects } else { Vec::new() }
    }

    fn target(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..16 {
            let name = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
            match name.and_then(|name| self.schemas.components.get(name)) {
                Some(target) => schema = target,
                None => break,
            }
        }
        match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) if schema.get("properties").is_none() => self.target(only),
            _ => schema,
        }
    }

    /// Makes a small value of a schema: a value that the document states, or the required fields only.
    fn made(&self, schema: &'a Value, depth: usize) -> Value {
        let Some(depth) = depth.checked_sub(1) else { return Value::Null };
        let schema = self.target(schema);
        let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        let values = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        let stated = schema.get("const").into_iter().chain(values).chain(schema.get("default")).chain(examples);
        if let Some(value) =
            stated.filter(|value| !value.is_null()).find(|value| self.contradiction(schema, value, MAX_DEPTH).is_none())
        {
            return value.clone();
        }
        let variants = ["anyOf", "oneOf"].iter().find_map(|keyword| schema.get(*keyword)?.as_array());
        if let Some(first) =
            variants.and_then(|variants| variants.iter().find(|it| it.get("type") != Some(&json!("null"))))
        {
            return self.made(first, depth);
        }
        let bound = |keyword: &str| schema.get(keyword).cloned();
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => json!("https://example.com/file"),
            Some("boolean") => json!(true),
            Some("number" | "integer") => bound("minimum").or(bound("maximum")).unwrap_or(json!(1)),
            Some("array") => {
                let item = schema.get("items").map_or(Value::Null, |items| self.made(items, depth));
                Value::Array(vec![item; min_items(schema)])
            }
            _ => {
                let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
                let fields = required
                    .filter_map(Value::as_str)
                    .filter_map(|name| Some((name.to_owned(), self.made(schema.get("properties")?.get(name)?, depth))));
                Value::Object(fields.collect::<Map<String, Value>>())
            }
        }
    }

    /// Returns why a value is not of the JSON type of a schema, if so.
    fn contradiction(&self, schema: &'a Value, value: &Value, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let schema = self.target(schema);
        if let Some(variants) = ["anyOf", "oneOf"].iter().find_map(|keyword| schema.get(*keyword)?.as_array()) {
            let mut reasons: Vec<String> = Vec::new();
            for variant in variants {
                reasons.push(self.contradiction(variant, value, depth)?);
            }
            return Some(reasons.join(", "));
        }
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            _ => return None,
        };
        let is_of = match kind {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "null" => value.is_null(),
            _ => true,
        };
        if !is_of {
            return Some(format!("not of the type {kind}"));
        }
        match value {
            Value::Array(items) => {
                let inner = schema.get("items")?;
                items.iter().find_map(|item| self.contradiction(inner, item, depth))
            }
            Value::Object(object) => {
                let properties = schema.get("properties").and_then(Value::as_object)?;
                let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
                let has_default = |name: &str| properties.get(name).is_some_and(|it| it.get("default").is_some());
                let mut required = required.filter_map(Value::as_str).filter(|name| !has_default(name));
                if let Some(missing) = required.find(|name| !object.contains_key(*name)) {
                    return Some(format!("without the required field `{missing}`"));
                }
                object.iter().find_map(|(name, value)| match properties.get(name) {
                    Some(property) if !value.is_null() => self.contradiction(property, value, depth),
                    Some(_) => None,
                    None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                        Some(format!("with the undeclared field `{name}`"))
                    }
                    None => None,
                })
            }
            _ => None,
        }
    }
}

/// Returns the array of a property that has an object as its items, unless the object is the property or a variant of it.
fn array_of<'a>(property: &'a Value, part: &Value) -> Option<&'a Value> {
    let variants =
        ["anyOf", "oneOf", "allOf"].iter().filter_map(|keyword| property.get(*keyword)?.as_array()).flatten();
    let mut schemas = variants.chain([property]);
    schemas.find(|schema| schema.get("items").is_some_and(|items| std::ptr::eq(items, part)))
}

/// Returns the number of items in the smallest array that has an item.
fn min_items(array: &Value) -> usize {
    array.get("minItems").and_then(Value::as_u64).unwrap_or(1).max(1) as usize
}
