//! A field as its schema states it, for descriptions.

use serde_json::Value;

use super::walk::Walk;
use super::{docs, examples, file_limits};
use crate::model::Stated;
use crate::schema::enum_values;
use crate::{prose, words};

/// The most examples of a field.
const MAX_EXAMPLES: usize = 50;

/// The longest example, in characters of JSON.
const MAX_EXAMPLE: usize = 4_000;

impl<'a> Walk<'a> {
    pub(super) fn stated(&self, wire: &str, property: &'a Value) -> Stated {
        // The endpoint is refused, and nothing of it is used.
        if self.has_exceeded() {
            return Stated::default();
        }
        // A component that is a number or a string has bounds of its own.
        let schemas: Vec<&Value> = match self.resolve(property) {
            Some(resolved) if !std::ptr::eq(resolved, property) => vec![property, resolved],
            _ => vec![property],
        };
        let items: Vec<&Value> = schemas.iter().filter_map(|schema| self.resolve(schema.get("items")?)).collect();
        let of_items = items.iter().flat_map(|items| docs::range(items).into_iter().chain(docs::requirements(items)));
        let of_items = of_items.map(|fact| words::each_item(&fact));
        let requirements = schemas.iter().flat_map(|schema| docs::requirements(schema)).chain(of_items);
        let mut limits: Vec<String> = requirements.map(|fact| words::phrase(&fact)).collect();
        limits.extend(file_limits::phrases(property));
        let said = property.get("limit_description").and_then(Value::as_str).map(prose::plain);
        limits.extend(said.filter(|said| !said.is_empty()));
        Stated {
            description: description(wire, property),
            examples: examples(property),
            values: schemas.iter().find_map(|schema| values(schema)).unwrap_or_default(),
            range: schemas.iter().find_map(|schema| docs::range(schema)).map(|fact| words::phrase(&fact)),
            limits,
            is_nullable: self.is_nullable(property),
        }
    }
}

/// Returns the description of a property, or its title if that says more than its name.
fn description(wire: &str, property: &Value) -> String {
    let description = property.get("description").and_then(Value::as_str).map(prose::plain);
    description
        .filter(|text| !text.is_empty())
        .or_else(|| docs::title(wire, property).map(prose::plain))
        .unwrap_or_default()
}

/// Returns the examples without repetitions, contents of files and very long ones.
fn examples(property: &Value) -> Vec<Value> {
    let mut known: Vec<Value> = Vec::new();
    for example in examples::stated(property) {
        let is_data = example.as_str().is_some_and(|text| text.starts_with("data:"));
        if known.len() < MAX_EXAMPLES
            && !is_data
            && !known.contains(example)
            && example.to_string().chars().count() <= MAX_EXAMPLE
        {
            known.push(example.clone());
        }
    }
    known
}

/// Returns the numbers or booleans of an enum.
fn values(schema: &Value) -> Option<Vec<Value>> {
    let values: Vec<Value> =
        enum_values(schema)?.iter().filter(|value| value.is_number() || value.is_boolean()).cloned().collect();
    (!values.is_empty()).then_some(values)
}
