//! The definitions inside of schemas, as pydantic and other tools write them, become components.

use serde_json::{Map, Value};

use crate::document::component;
use crate::pointer::escape;

/// The keys of definitions in JSON Schema.
pub(crate) const KEYS: [&str; 2] = ["$defs", "definitions"];

/// A schema that others refer to by its name.
pub(crate) struct Definition {
    /// The JSON pointer of the definition.
    pub at: String,
    pub name: String,
    pub schema: Value,
}

/// Takes the definitions out of a schema, and out of the definitions themselves. Returns the pointer of the first ones.
pub(crate) fn take(schema: &mut Map<String, Value>, at: &str, taken: &mut Vec<Definition>) -> Option<String> {
    let (mut first, mut inner) = (None, Vec::new());
    for (key, below) in [(KEYS[0], ""), (KEYS[1], ""), ("components", "/schemas")] {
        let definitions = schema.remove(key).and_then(|mut found| found.pointer_mut(below).map(Value::take));
        let Some(Value::Object(definitions)) = definitions else { continue };
        let all = format!("{at}/{key}{below}");
        for (name, mut schema) in definitions {
            let at = format!("{all}/{}", escape(&name));
            take_inside(&mut schema, &at, &mut inner);
            taken.push(Definition { at, name, schema });
        }
        first.get_or_insert(all);
    }
    taken.append(&mut inner);
    first
}

/// Takes the definitions out of a value, if it is an object.
pub(crate) fn take_inside(schema: &mut Value, at: &str, taken: &mut Vec<Definition>) {
    if let Some(schema) = schema.as_object_mut() {
        take(schema, at, taken);
    }
}

/// Adds definitions to the components. Returns those that differ from the component of their name, which stays.
pub(crate) fn add(definitions: Vec<Definition>, components: &mut Map<String, Value>) -> Vec<Definition> {
    let mut different = Vec::new();
    for definition in definitions {
        match components.get(&definition.name) {
            Some(known) if is_same(known, &definition.schema) => {}
            Some(_) => different.push(definition),
            None => drop(components.insert(definition.name, definition.schema)),
        }
    }
    // With serde_json's `preserve_order`, new components are the last ones.
    components.sort_keys();
    different
}

/// Compares two schemas. The place that a reference names does not matter, because all definitions become components.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let is_same = |(key, left): (&String, &Value)| match (left, right.get(key)) {
                (Value::String(left), Some(Value::String(right))) if key == "$ref" => {
                    component(left) == component(right)
                }
                (left, right) => right.is_some_and(|right| is_same(left, right)),
            };
            left.len() == right.len() && left.iter().all(is_same)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        _ => left == right,
    }
}
