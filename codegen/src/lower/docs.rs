//! The documentation of an item or a field: the schema's prose, then its default and its bounds.

use serde_json::Value;

use super::draft::Note;
use super::file_limits;
use crate::schema::enum_values;
use crate::{prose, words};

/// Longer lists of numbers are not documented.
const MAX_VALUES: usize = 20;

/// The longest default inside a paragraph, in characters of JSON. A longer one is a code block.
const MAX_INLINE: usize = 120;

/// The longest default that is documented, in characters of JSON.
const MAX_BLOCK: usize = 4_000;

/// The longest title or text about limits, in characters.
const MAX_SENTENCES: usize = 1_000;

/// Returns the prose of a schema, or the fallback where it has none.
pub(super) fn of_schema(schema: &Value, fallback: &str) -> Vec<String> {
    let docs = prose_of(schema);
    if docs.is_empty() { vec![fallback.to_owned()] } else { docs }
}

/// Returns the prose of a property, or its title if that says more than its name, or an empty list.
pub(super) fn of_field(wire: &str, property: &Value) -> Vec<String> {
    let prose = prose_of(property);
    if !prose.is_empty() {
        return prose;
    }
    title(wire, property).map(|title| prose::lines_within(&words::title(title), MAX_SENTENCES)).unwrap_or_default()
}

/// Returns true if the title of a property documents it.
pub(super) fn uses_title(wire: &str, property: &Value) -> bool {
    prose_of(property).is_empty() && title(wire, property).is_some()
}

fn prose_of(schema: &Value) -> Vec<String> {
    schema.get("description").and_then(Value::as_str).map(prose::lines).unwrap_or_default()
}

/// Returns the title of a property if it says more than the property's name.
pub(super) fn title<'a>(wire: &str, property: &'a Value) -> Option<&'a str> {
    let name = letters(wire);
    let says_more = |title: &&str| {
        let mut words = title.split(|c: char| !c.is_alphanumeric()).map(letters);
        words.any(|word| !name.contains(&word))
    };
    property.get("title").and_then(Value::as_str).map(str::trim).filter(says_more)
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns what fal says about the limits of a property, lines of documentation.
pub(super) fn limits(property: &Value) -> Option<String> {
    let stated = file_limits::places(property).into_iter().filter_map(|place| place.get("limit_description")?.as_str());
    let mut texts: Vec<&str> = Vec::new();
    for text in stated.filter(|text| !text.trim().is_empty()) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    (!texts.is_empty()).then(|| prose::lines_within(&texts.join("\n"), MAX_SENTENCES).join("\n"))
}

/// Returns the default and the bounds of a property, a paragraph or two, if there are any.
pub(super) fn facts(schema: &Value) -> Vec<String> {
    let (mut facts, mut block) = (Vec::new(), None);
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        let code = prose::json_code(default);
        match code.chars().count() {
            0..=MAX_INLINE => facts.push(words::default(&code)),
            length if length <= MAX_BLOCK => block = Some(words::long_default(&prose::json_block(default))),
            length => facts.push(words::unstated_default(length - 2)),
        }
    }
    facts.extend(bounds(schema));
    if let Some(items) = schema.get("items") {
        facts.extend(bounds(items).iter().map(|fact| words::each_item(fact)));
    }
    let paragraph = if facts.is_empty() { None } else { Some(facts.join(" ")) };
    paragraph.into_iter().chain(block).collect()
}

/// Returns the notes about a path, a paragraph each.
pub(super) fn of_notes(at: &str, notes: &[Note]) -> Vec<String> {
    notes.iter().filter(|note| note.at == at).map(|note| words::sentence(&note.text)).collect()
}

fn bounds(schema: &Value) -> Vec<String> {
    let values = values(schema).as_deref().and_then(words::one_of);
    range(schema).into_iter().chain(values).chain(requirements(schema)).collect()
}

/// Returns the requirements beyond a range and the only values.
pub(super) fn requirements(schema: &Value) -> Vec<String> {
    let [min_length, max_length, min_items, max_items] =
        ["minLength", "maxLength", "minItems", "maxItems"].map(|key| schema.get(key).and_then(Value::as_u64));
    let facts = [
        schema
            .get("multipleOf")
            .filter(|step| step.as_f64() > Some(0.0))
            .map(|step| words::multiple_of(&step.to_string())),
        words::length(min_length.unwrap_or(0), max_length),
        schema.get("pattern").and_then(Value::as_str).map(words::pattern),
        words::items(min_items.unwrap_or(0), max_items),
        (schema.get("uniqueItems") == Some(&Value::Bool(true))).then(|| words::UNIQUE.to_owned()),
    ];
    facts.into_iter().flatten().collect()
}

pub(super) fn range(schema: &Value) -> Option<String> {
    let bound = |inclusive: &str, exclusive: &str| {
        let bound = |key: &str| schema.get(key).filter(|bound| bound.is_number()).map(Value::to_string);
        bound(inclusive).map(|bound| (bound, false)).or_else(|| bound(exclusive).map(|bound| (bound, true)))
    };
    let (from, to) = (bound("minimum", "exclusiveMinimum"), bound("maximum", "exclusiveMaximum"));
    words::range(
        from.as_ref().map(|(from, out)| (from.as_str(), *out)),
        to.as_ref().map(|(to, out)| (to.as_str(), *out)),
    )
}

/// Returns the numbers or booleans of an enum. Strings are variants of a type, documented there.
fn values(schema: &Value) -> Option<Vec<String>> {
    let values = enum_values(schema)?.iter();
    let values = values.map(|value| (value.is_number() || value.is_boolean()).then(|| value.to_string()));
    values.collect::<Option<Vec<_>>>().filter(|values| values.len() <= MAX_VALUES)
}
