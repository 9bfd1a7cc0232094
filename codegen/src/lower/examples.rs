//! The examples of a property, for its documentation. Some lists of them are the only place that names what is allowed.

use serde_json::Value;

use super::walk::Walk;
use crate::schema::enum_values;
use crate::{prose, words};

/// The longest short example, in characters of JSON.
const SHORT: usize = 60;

/// The most short examples that are documented.
const MAX_SHORT: usize = 50;

/// The most other examples that are documented.
const MAX_LONG: usize = 3;

/// The longest text that is not cut, in characters.
const MAX_TEXT: usize = 160;

/// The longest URL, array or object that is documented, in characters of JSON. Half of one would be of no use.
const MAX_WHOLE: usize = 400;

/// The most examples that are looked at.
const MAX_SEEN: usize = 1_000;

impl<'a> Walk<'a> {
    /// Returns the examples of a property as a paragraph, if they say more than its default and its declared values.
    pub(super) fn examples(&self, property: &'a Value) -> Option<String> {
        let mut known: Vec<&Value> = Vec::new();
        for example in stated(property) {
            if !known.contains(&example) {
                known.push(example);
            }
        }
        let default = property.get("default");
        let says_nothing =
            |example: &&Value| example.is_boolean() || Some(*example) == default || self.declares(property, example);
        if known.iter().all(says_nothing) {
            return None;
        }
        let (mut short, mut long, mut shown) = (0, 0, Vec::new());
        for example in &known {
            let Some(text) = text(example) else { continue };
            let (count, max) = match text.chars().count() {
                0..=SHORT => (&mut short, MAX_SHORT),
                _ => (&mut long, MAX_LONG),
            };
            if *count < max {
                *count += 1;
                shown.push(text);
            }
        }
        let more = known.len() - shown.len();
        (!shown.is_empty()).then(|| prose::wrapped(words::examples(&shown, more)).join("\n"))
    }

    /// Returns true if a value is among the values of a property's enum, or of one in its union.
    fn declares(&self, property: &'a Value, value: &Value) -> bool {
        let members = property.get("anyOf").and_then(Value::as_array).into_iter().flatten();
        let mut schemas = members.chain([property]).filter_map(|schema| self.resolve(schema));
        schemas.any(|schema| enum_values(schema).is_some_and(|values| values.contains(value)))
    }
}

/// Returns the examples that a property states, without nulls.
pub(super) fn stated(property: &Value) -> impl Iterator<Item = &Value> {
    let several = property.get("examples").and_then(Value::as_array).into_iter().flatten();
    several.chain(property.get("example")).filter(|example| !example.is_null()).take(MAX_SEEN)
}

/// Returns an example as inline code, or nothing if it is too long.
fn text(example: &Value) -> Option<String> {
    let is_url = |text: &str| ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    match example {
        Value::String(text) if text.starts_with("data:") => None,
        Value::String(text) if !is_url(text) => {
            let cut = text.char_indices().nth(MAX_TEXT).map(|(end, _)| format!("{}…", text[..end].trim_end()));
            Some(prose::json_code(&Value::String(cut.unwrap_or_else(|| text.clone()))))
        }
        whole => Some(prose::json_code(whole)).filter(|text| text.chars().count() <= MAX_WHOLE),
    }
}
