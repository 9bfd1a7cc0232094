//! The documentation of an item or a field: the schema's prose, then what the schema says in numbers.

use serde_json::Value;

use super::draft::Note;
use crate::prose;

/// The prose of a schema, or what is said where it has none.
pub(super) fn of_schema(schema: &Value, fallback: &str) -> Vec<String> {
    let docs = prose_of(schema);
    if docs.is_empty() { vec![fallback.to_owned()] } else { docs }
}

/// The default and the bounds of a property, as a paragraph, if there are any.
pub(super) fn facts(schema: &Value) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        facts.push(format!("Default: {}.", prose::code(&default.to_string())));
    }
    facts.extend(bounds(schema));
    if let Some(items) = schema.get("items") {
        facts.extend(bounds(items).iter().map(|bound| of_each(bound)));
    }
    if facts.is_empty() { facts } else { vec![facts.join(" ")] }
}

/// What was lost at a place, a paragraph each.
pub(super) fn of_losses(at: &str, notes: &[Note]) -> Vec<String> {
    notes.iter().filter(|note| note.at == at).map(|note| sentence(&note.text)).collect()
}

fn sentence(what: &str) -> String {
    let mut chars = what.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

fn prose_of(schema: &Value) -> Vec<String> {
    schema.get("description").and_then(Value::as_str).map(prose::lines).unwrap_or_default()
}

fn bounds(schema: &Value) -> Vec<String> {
    let length = count(schema, "minLength", "maxLength").map(|(count, plural)| {
        let unit = if plural { "characters" } else { "character" };
        format!("Length: {count} {unit}.")
    });
    let items = count(schema, "minItems", "maxItems").map(|(count, _)| format!("Items: {count}."));
    let facts = [range(schema), step(schema), listed(schema), length, pattern(schema), items, unique(schema)];
    facts.into_iter().flatten().collect()
}

/// `Length: 1 to 5 characters.` becomes `Of each item: length 1 to 5 characters.`
fn of_each(bound: &str) -> String {
    let mut chars = bound.chars();
    let first = chars.next().map(|first| first.to_ascii_lowercase());
    let bound: String = first.into_iter().chain(chars).collect();
    format!("Of each item: {}", bound.replacen(": ", " ", 1))
}

fn range(schema: &Value) -> Option<String> {
    let bound = |key: &str| schema.get(key).filter(|bound| bound.is_number());
    let from = bound("minimum").map(|n| n.to_string()).or(bound("exclusiveMinimum").map(|n| format!("more than {n}")));
    let to = bound("maximum").map(|n| n.to_string()).or(bound("exclusiveMaximum").map(|n| format!("less than {n}")));
    match (from, to) {
        (Some(from), Some(to)) => Some(format!("Range: {from} to {to}.")),
        (Some(from), None) => Some(format!("At least {from}.").replace("At least more than", "More than")),
        (None, Some(to)) => Some(format!("At most {to}.").replace("At most less than", "Less than")),
        (None, None) => None,
    }
}

fn step(schema: &Value) -> Option<String> {
    schema.get("multipleOf").filter(|step| step.as_f64() > Some(0.0)).map(|step| format!("A multiple of {step}."))
}

/// The numbers or truth values that are listed; texts are an enum's.
fn listed(schema: &Value) -> Option<String> {
    let listed = schema.get("enum")?.as_array().filter(|listed| !listed.is_empty())?;
    let listed = listed.iter().map(|value| (value.is_number() || value.is_boolean()).then(|| value.to_string()));
    let listed = listed.collect::<Option<Vec<_>>>()?;
    match &listed[..] {
        [only] => Some(format!("Always {only}.")),
        [first @ .., last] if listed.len() <= 20 => Some(format!("One of {} and {last}.", first.join(", "))),
        _ => None,
    }
}

fn pattern(schema: &Value) -> Option<String> {
    schema.get("pattern").and_then(Value::as_str).map(|pattern| format!("Pattern: {}.", prose::code(pattern)))
}

fn unique(schema: &Value) -> Option<String> {
    (schema.get("uniqueItems") == Some(&Value::Bool(true))).then(|| "No item twice.".to_owned())
}

/// A count in words, and whether its unit is in the plural.
fn count(schema: &Value, least: &str, most: &str) -> Option<(String, bool)> {
    let count = |key: &str| schema.get(key).and_then(Value::as_u64);
    match (count(least).filter(|least| *least > 0), count(most)) {
        (Some(least), Some(most)) if least == most => Some((least.to_string(), least != 1)),
        (Some(least), Some(most)) => Some((format!("{least} to {most}"), true)),
        (Some(least), None) => Some((format!("at least {least}"), least != 1)),
        (None, Some(most)) => Some((format!("at most {most}"), most != 1)),
        (None, None) => None,
    }
}
