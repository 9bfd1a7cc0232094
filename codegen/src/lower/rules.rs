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
pub(super) fn of_string(schema: &Value) -> Vec<Rule> {
    let mut rules = counts(schema, &[("minLength", "MinLength"), ("maxLength", "MaxLength")]);
    let pattern = schema.get("pattern").and_then(Value::as_str).filter(|pattern| is_checked(pattern));
    rules.extend(pattern.map(|pattern| Rule::Pattern(pattern.to_owned())));
    rules
}

/// What a schema demands of a list, with what it demands of each item.
pub(super) fn of_array(schema: &Value, items: Vec<Rule>) -> Vec<Rule> {
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
pub(super) fn of_boolean(schema: &Value) -> Vec<Rule> {
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
    keys.iter().filter_map(|(key, rule)| Some(Rule::Count(rule, count(schema.get(*key)?)?))).collect()
}

/// Some write a count as `3.0`.
fn count(value: &Value) -> Option<u64> {
    let float = || value.as_f64().filter(|count| *count >= 0.0 && count.fract() == 0.0).map(|count| count as u64);
    value.as_u64().or_else(float)
}

/// Whether the engine that checks inputs takes a pattern; it knows no look-around, no back-references and no classes of
/// Unicode.
fn is_checked(pattern: &str) -> bool {
    pattern.len() <= 1_000 && Regex::new(pattern).is_ok()
}

/// What a schema demands and no rule checks.
pub(super) fn unchecked(schema: &Value) -> Vec<String> {
    let keywords = schema.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let unchecked = keywords.filter_map(|(keyword, value)| {
        let why = match keyword.as_str() {
            "pattern" if !value.as_str().is_some_and(is_checked) => ", for the engine here cannot read it",
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
                if number(value).is_none() =>
            {
                ", for it is no number"
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" if count(value).is_none() => ", for it is no count",
            "not" | "if" | "contains" | "minProperties" | "maxProperties" | "patternProperties" | "propertyNames"
            | "dependentRequired" => "",
            _ => return None,
        };
        Some(format!("`{keyword}` is not checked{why}"))
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
