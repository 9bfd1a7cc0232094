//! The documentation of an item or a field: the schema's prose, then what the schema says in numbers.

use serde_json::Value;

use crate::prose;

/// The prose of a schema, or what is said where it has none.
pub(super) fn of_schema(schema: &Value, fallback: &str) -> Vec<String> {
    let docs = prose_of(schema);
    if docs.is_empty() { vec![fallback.to_owned()] } else { docs }
}

/// The prose of a property, its default and its range.
pub(super) fn of_property(name: &str, schema: &Value) -> Vec<String> {
    let mut docs = prose_of(schema);
    if docs.is_empty() {
        docs.push(format!("The field {}.", prose::code(name)));
    }
    let mut facts = Vec::new();
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        facts.push(format!("Default: {}.", prose::code(&default.to_string())));
    }
    facts.extend([range(schema), step(schema), listed(schema)].into_iter().flatten());
    facts.extend(
        [count(schema, "Length", "minLength", "maxLength"), count(schema, "Items", "minItems", "maxItems")]
            .into_iter()
            .flatten(),
    );
    if !facts.is_empty() {
        docs.extend([String::new(), facts.join(" ")]);
    }
    docs
}

/// What was lost at a place, a paragraph each.
pub(super) fn of_losses(place: &str, notes: &[(String, String)]) -> Vec<String> {
    let here = notes.iter().filter(|(at, _)| at == place);
    here.flat_map(|(_, what)| [String::new(), sentence(what)]).collect()
}

fn sentence(what: &str) -> String {
    let mut chars = what.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

fn prose_of(schema: &Value) -> Vec<String> {
    schema.get("description").and_then(Value::as_str).map(prose::lines).unwrap_or_default()
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

fn count(schema: &Value, what: &str, least: &str, most: &str) -> Option<String> {
    let count = |key: &str| schema.get(key).and_then(Value::as_u64);
    match (count(least).filter(|least| *least > 0), count(most)) {
        (Some(least), Some(most)) if least == most => Some(format!("{what}: {least}.")),
        (Some(least), Some(most)) => Some(format!("{what}: {least} to {most}.")),
        (Some(least), None) => Some(format!("{what}: at least {least}.")),
        (None, Some(most)) => Some(format!("{what}: at most {most}.")),
        (None, None) => None,
    }
}
