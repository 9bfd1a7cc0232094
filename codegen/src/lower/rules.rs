//! The rules of a schema that generated code checks before a request is sent.

use regex_lite::RegexBuilder;
use serde_json::Value;

use crate::model::{Number, Rule};
use crate::normalize::bounds;
use crate::refusals;
use crate::schema::{TOO_MANY_VALUES, enum_values, strings};

/// The longest pattern that is checked, in bytes.
const MAX_PATTERN: usize = 1_000;

/// The largest compiled pattern that is checked, in bytes. Compiling a larger one takes long, and `(a{500}){500}` is short.
const MAX_COMPILED: usize = 1 << 20;

/// The keywords of lower bounds, each with those of the upper bounds of the same value.
const BOUNDS: &[(&[&str], &[&str])] = &[
    (&["minimum", "exclusiveMinimum"], &["maximum", "exclusiveMaximum"]),
    (&["minLength"], &["maxLength"]),
    (&["minItems"], &["maxItems"]),
];

/// Returns true if a lower bound is above an upper bound, so that no value would be valid.
fn is_reversed(schema: &Value, keyword: &str) -> bool {
    let bounds = |keywords: &[&str]| -> Vec<f64> {
        keywords.iter().filter_map(|keyword| schema.get(*keyword)?.as_f64()).collect()
    };
    let own = BOUNDS.iter().find(|(lower, upper)| lower.contains(&keyword) || upper.contains(&keyword));
    own.is_some_and(|(lower, upper)| {
        let upper = bounds(upper);
        bounds(lower).iter().any(|lower| upper.iter().any(|upper| lower > upper))
    })
}

pub(super) fn of_number(schema: &Value) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (key, rule) in [
        ("minimum", "Minimum"),
        ("exclusiveMinimum", "ExclusiveMinimum"),
        ("maximum", "Maximum"),
        ("exclusiveMaximum", "ExclusiveMaximum"),
        ("multipleOf", "MultipleOf"),
    ] {
        // No number is a multiple of zero.
        let is_valid = |bound: &&Value| key != "multipleOf" || bound.as_f64() > Some(0.0);
        if is_reversed(schema, key) {
            continue;
        }
        if let Some(bound) = schema.get(key).filter(is_valid).and_then(number) {
            rules.push(Rule::Bound(rule, bound));
        }
    }
    let values: Vec<Number> = enum_values(schema).into_iter().flatten().filter_map(number).collect();
    if !values.is_empty() {
        rules.push(Rule::OneOf(values));
    }
    rules
}

pub(super) fn of_string(schema: &Value) -> Vec<Rule> {
    let mut rules = counts(schema, &[("minLength", "MinLength"), ("maxLength", "MaxLength")]);
    let pattern = schema.get("pattern").and_then(Value::as_str).filter(|pattern| is_supported(pattern));
    rules.extend(pattern.map(|pattern| Rule::Pattern(pattern.to_owned())));
    rules
}

/// Returns the rules of an array, with those of each item.
pub(super) fn of_array(schema: &Value, items: Vec<Rule>) -> Vec<Rule> {
    let mut rules = counts(schema, &[("minItems", "MinItems"), ("maxItems", "MaxItems")]);
    if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
        rules.push(Rule::UniqueItems);
    }
    rules.extend(of_items(items));
    rules
}

/// Returns the rules of each item of an array or each value of a map.
pub(super) fn of_items(items: Vec<Rule>) -> Option<Rule> {
    (!items.is_empty()).then_some(Rule::Items(items))
}

pub(super) fn of_boolean(schema: &Value) -> Vec<Rule> {
    match enum_values(schema) {
        Some([Value::Bool(only)]) => vec![Rule::Only(*only)],
        _ => Vec::new(),
    }
}

/// Returns the rules of an image size. They belong to the field, because the type is the runtime's.
pub(super) fn of_image_size(schema: &Value) -> Vec<Rule> {
    let required = strings(schema.get("required"));
    let side = |name: &'static str| {
        let side = schema.get("properties").and_then(|fields| fields.get(name))?;
        let is_required = required.contains(&name) && side.get("default").is_none_or(Value::is_null);
        let rules: Vec<Rule> = is_required.then_some(Rule::Required).into_iter().chain(of_number(side)).collect();
        (!rules.is_empty()).then_some(Rule::Part(name, rules))
    };
    ["width", "height"].into_iter().filter_map(side).collect()
}

/// Adds rules for a part of a value. Of two bounds, the tighter one is kept. Returns false if a lower bound would be above
/// an upper bound. No bounds are added then.
pub(super) fn add_part(rules: &mut Vec<Rule>, name: &'static str, mut inner: Vec<Rule>) -> bool {
    let part = rules.iter_mut().find_map(|rule| match rule {
        Rule::Part(part, rules) if *part == name => Some(rules),
        _ => None,
    });
    let Some(part) = part else {
        rules.push(Rule::Part(name, inner));
        return true;
    };
    let bounds = |end: &str| -> Vec<f64> {
        let bounds = part.iter().chain(&inner).filter_map(|rule| match rule {
            Rule::Bound(name, bound) if name.ends_with(end) => Some(bound.to_f64()),
            _ => None,
        });
        bounds.collect()
    };
    let (lower, upper) = (bounds("Minimum"), bounds("Maximum"));
    let is_reversed = lower.iter().any(|lower| upper.iter().any(|upper| lower > upper));
    inner.retain(|rule| !is_reversed || rule.name() == "MultipleOf");
    for rule in inner {
        match part.iter_mut().find(|own| own.name() == rule.name()) {
            Some(own) if own.allows_all_of(&rule) => *own = rule,
            Some(own) if rule.allows_all_of(own) => {}
            _ => part.push(rule),
        }
    }
    // Bounds of a range are written together.
    part.sort_by_key(|rule| match rule.name() {
        "Required" => 0,
        name if name.ends_with("Minimum") => 1,
        name if name.ends_with("Maximum") => 2,
        _ => 3,
    });
    !is_reversed
}

fn counts(schema: &Value, keys: &[(&str, &'static str)]) -> Vec<Rule> {
    let keys = keys.iter().filter(|(key, _)| !is_reversed(schema, key));
    keys.filter_map(|(key, rule)| Some(Rule::Count(rule, count(schema.get(*key)?)?))).collect()
}

/// Some schemas write a count as `3.0`.
fn count(value: &Value) -> Option<u64> {
    let float = || value.as_f64().filter(|count| *count >= 0.0 && count.fract() == 0.0).map(|count| count as u64);
    value.as_u64().or_else(float)
}

/// Returns true if the runtime's regex engine supports a pattern. It has no look-around, back-references or Unicode classes.
fn is_supported(pattern: &str) -> bool {
    pattern.len() <= MAX_PATTERN && RegexBuilder::new(pattern).size_limit(MAX_COMPILED).build().is_ok()
}

/// Returns notes about the requirements of a schema that no rule checks.
pub(super) fn unchecked(schema: &Value) -> Vec<String> {
    let keywords = schema.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let unchecked = keywords.filter_map(|(keyword, value)| {
        let reason = match keyword.as_str() {
            "pattern" if !value.as_str().is_some_and(is_supported) => Some(refusals::UNSUPPORTED_PATTERN),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf"
                if number(value).is_none() =>
            {
                Some(refusals::NOT_A_NUMBER)
            }
            keyword if is_misnamed(keyword) && is_number(schema) => Some(refusals::NOT_A_NUMBER),
            "minLength" | "maxLength" | "minItems" | "maxItems" if count(value).is_none() => {
                Some(refusals::NOT_A_COUNT)
            }
            keyword if is_reversed(schema, keyword) => Some(refusals::REVERSED),
            TOO_MANY_VALUES if schema.get("type").is_none_or(|kind| kind != "string") => {
                return Some(refusals::unchecked("enum", Some(refusals::TOO_MANY_VALUES)));
            }
            "not" | "if" | "contains" | "minProperties" | "maxProperties" | "patternProperties" | "propertyNames"
            | "dependentRequired" => None,
            _ => return None,
        };
        Some(refusals::unchecked(keyword, reason))
    });
    unchecked.collect()
}

/// Returns true if a bound of a number is left under another name than JSON Schema's, because it is not a number.
fn is_misnamed(keyword: &str) -> bool {
    bounds::NAMES.iter().any(|(other, _)| *other == keyword)
}

fn is_number(schema: &Value) -> bool {
    matches!(schema.get("type").and_then(Value::as_str), Some("integer" | "number"))
}

pub(super) fn number(value: &Value) -> Option<Number> {
    let int = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    int.map(Number::Int).or_else(|| {
        let float = value.as_f64().filter(|float| float.is_finite())?;
        // `3.0` is 3. Beyond 2^53, floats are not exact anyway.
        let whole = float.fract() == 0.0 && float.abs() < 9e15;
        Some(if whole { Number::Int(float as i128) } else { Number::Float(float) })
    })
}
