//! The bounds of a value, which generated code checks before anything is sent.

use regex_lite::Regex;
use serde_json::Value;

use crate::model::{Number, Rule};

/// What a schema demands of a number.
pub(super) fn of_number(schema: &Value) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (key, rule) in [
        ("minimum", "Minimum"),
        ("exclusiveMinimum", "ExclusiveMinimum"),
        ("maximum", "Maximum"),
        ("exclusiveMaximum", "ExclusiveMaximum"),
        ("multipleOf", "MultipleOf"),
    ] {
        // Nothing is a multiple of zero or less.
        let sound = |bound: &&Value| key != "multipleOf" || bound.as_f64() > Some(0.0);
        if let Some(bound) = schema.get(key).filter(sound).and_then(number) {
            rules.push(Rule::Bound(rule, bound));
        }
    }
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let listed: Vec<Number> = listed.filter_map(number).collect();
    if !listed.is_empty() {
        rules.push(Rule::OneOf(listed));
    }
    rules
}

/// What a schema demands of a text.
pub(super) fn of_text(schema: &Value) -> Vec<Rule> {
    let mut rules = counts(schema, &[("minLength", "MinLength"), ("maxLength", "MaxLength")]);
    let pattern = schema.get("pattern").and_then(Value::as_str).filter(|pattern| is_checked(pattern));
    rules.extend(pattern.map(|pattern| Rule::Pattern(pattern.to_owned())));
    rules
}

/// What a schema demands of a list, with what it demands of each item.
pub(super) fn of_list(schema: &Value, items: Vec<Rule>) -> Vec<Rule> {
    let mut rules = counts(schema, &[("minItems", "MinItems"), ("maxItems", "MaxItems")]);
    if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
        rules.push(Rule::UniqueItems);
    }
    rules.extend(of_items(items));
    rules
}

/// What is demanded of each item of a list, or each value of a map.
pub(super) fn of_items(items: Vec<Rule>) -> Option<Rule> {
    (!items.is_empty()).then_some(Rule::Items(items))
}

/// What a schema demands of a truth value.
pub(super) fn of_truth(schema: &Value) -> Vec<Rule> {
    let listed = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
    match listed {
        Some([Value::Bool(only)]) => vec![Rule::Only(*only)],
        _ => Vec::new(),
    }
}

/// The bounds of an image size stay with the endpoint, for the type is the runtime's.
pub(super) fn of_image_size(schema: &Value) -> Vec<Rule> {
    let side = |name: &str| schema.get("properties").and_then(|fields| fields.get(name)).map(of_number);
    let sides = [side("width").map(Rule::Width), side("height").map(Rule::Height)];
    let said = |rule: &Rule| !matches!(rule, Rule::Width(rules) | Rule::Height(rules) if rules.is_empty());
    sides.into_iter().flatten().filter(said).collect()
}

fn counts(schema: &Value, keys: &[(&str, &'static str)]) -> Vec<Rule> {
    // Some write a count as `3.0`.
    let count = |key: &str| {
        let value = schema.get(key)?;
        value
            .as_u64()
            .or_else(|| value.as_f64().filter(|count| *count >= 0.0 && count.fract() == 0.0).map(|n| n as u64))
    };
    keys.iter().filter_map(|(key, rule)| Some(Rule::Count(rule, count(key)?))).collect()
}

/// Whether the engine that checks inputs takes a pattern; it knows no look-around, no back-references and no classes of
/// Unicode.
fn is_checked(pattern: &str) -> bool {
    pattern.len() <= 1_000 && Regex::new(pattern).is_ok()
}

/// What a schema demands and no rule checks.
pub(super) fn unchecked(schema: &Value) -> Vec<&'static str> {
    let keywords = schema.as_object().into_iter().flatten();
    let unchecked = keywords.filter_map(|(keyword, value)| match (keyword.as_str(), value) {
        ("pattern", Value::String(pattern)) if !is_checked(pattern) => {
            Some("`pattern` is not checked, for it needs more than the engine here knows")
        }
        ("not", _) => Some("`not` is not checked"),
        ("if", _) => Some("`if` is not checked"),
        ("contains", _) => Some("`contains` is not checked"),
        ("minProperties", _) => Some("`minProperties` is not checked"),
        ("maxProperties", _) => Some("`maxProperties` is not checked"),
        ("patternProperties", _) => Some("`patternProperties` is not checked"),
        ("propertyNames", _) => Some("`propertyNames` is not checked"),
        ("dependentRequired", _) => Some("`dependentRequired` is not checked"),
        _ => None,
    });
    unchecked.collect()
}

fn number(value: &Value) -> Option<Number> {
    let int = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    int.map(Number::Int).or_else(|| {
        let float = value.as_f64().filter(|float| float.is_finite())?;
        // `3.0` is three; beyond 2^53 a float is no exact bound anyway.
        let whole = float.fract() == 0.0 && float.abs() < 9e15;
        Some(if whole { Number::Int(float as i128) } else { Number::Float(float) })
    })
}
