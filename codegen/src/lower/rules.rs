//! The bounds of a property, which generated code checks before anything is sent.

use serde_json::Value;

use super::{DEPTH, media};
use crate::model::{Number, Rule, Side};
use crate::types::RuntimeType;

/// The rules of a property and of what is inside it, where that has no type of its own to carry them.
pub(super) fn of_property<'a>(schema: &'a Value, resolve: &impl Fn(&'a Value) -> Option<&'a Value>) -> Vec<Rule> {
    of_part(schema, resolve, 0)
}

fn of_part<'a>(schema: &'a Value, resolve: &impl Fn(&'a Value) -> Option<&'a Value>, depth: usize) -> Vec<Rule> {
    // A list may be a list of itself.
    if depth > DEPTH {
        return Vec::new();
    }
    let mut rules = of_value(schema);
    let schema = match resolve(schema) {
        // A component that is a plain value brings its bounds along; one with fields has a type of its own for them.
        Some(component) if !std::ptr::eq(component, schema) && component.get("properties").is_none() => {
            rules.extend(of_value(component));
            component
        }
        _ => schema,
    };
    if let Some(items) = schema.get("items").or(schema.get("additionalProperties")).filter(|items| items.is_object()) {
        let items = of_part(items, resolve, depth + 1);
        if !items.is_empty() {
            rules.push(Rule::Items(items));
        }
    }
    let members = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array);
    for candidate in members.into_iter().flatten().chain([schema]) {
        let sides = sides(candidate, resolve).into_iter().flatten();
        rules
            .extend(sides.filter(|side| !matches!(side, Rule::Width(rules) | Rule::Height(rules) if rules.is_empty())));
    }
    rules
}

/// The bounds of an image size stay with the endpoint, for the type is the runtime's.
fn sides<'a>(schema: &'a Value, resolve: &impl Fn(&'a Value) -> Option<&'a Value>) -> Option<[Rule; 2]> {
    schema.get("$ref")?;
    let fields = resolve(schema)?.get("properties")?.as_object()?;
    if media::shared(fields, Side::Input) != Some(RuntimeType::ImageSize) {
        return None;
    }
    Some([Rule::Width(of_value(fields.get("width")?)), Rule::Height(of_value(fields.get("height")?))])
}

fn of_value(schema: &Value) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (key, rule) in [
        ("minimum", "Minimum"),
        ("exclusiveMinimum", "ExclusiveMinimum"),
        ("maximum", "Maximum"),
        ("exclusiveMaximum", "ExclusiveMaximum"),
    ] {
        if let Some(bound) = schema.get(key).and_then(number) {
            rules.push(Rule::Bound(rule, bound));
        }
    }
    for (key, rule) in
        [("minLength", "MinLength"), ("maxLength", "MaxLength"), ("minItems", "MinItems"), ("maxItems", "MaxItems")]
    {
        if let Some(count) = schema.get(key).and_then(Value::as_u64) {
            rules.push(Rule::Count(rule, count));
        }
    }
    rules
}

/// What a property's schema demands and no rule checks.
pub(super) fn unchecked(schema: &Value) -> Vec<&'static str> {
    let parts = [Some(schema), schema.get("items")];
    let keywords = parts.into_iter().flatten().filter_map(Value::as_object).flat_map(|schema| {
        schema.iter().filter_map(|(keyword, value)| match (keyword.as_str(), value) {
            ("multipleOf", _) => Some("`multipleOf` is not checked"),
            ("pattern", _) => Some("`pattern` is not checked"),
            ("uniqueItems", Value::Bool(true)) => Some("`uniqueItems` is not checked"),
            ("enum", Value::Array(values)) if values.iter().any(|value| !value.is_string()) => {
                Some("`enum` is not checked, for it lists other values than texts")
            }
            _ => None,
        })
    });
    keywords.collect()
}

fn number(value: &Value) -> Option<Number> {
    let int = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    int.map(Number::Int).or_else(|| value.as_f64().filter(|float| float.is_finite()).map(Number::Float))
}
