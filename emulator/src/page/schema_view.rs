//! A schema as a list of fields, with nested ones folded.

use maud::{Markup, html};
use serde_json::Value;

use crate::documents::schema::{expand, kind, union};
use crate::page::field::{limits, properties, type_words, words};
use crate::page::text::{folded, shortened};

/// The most fields that are shown, nested ones included.
const MAX_FIELDS: usize = 600;
/// The most levels of fields.
const MAX_DEPTH: usize = 5;

/// Shows the fields of an object's schema. `id` is unique on the page.
pub(super) fn schema(root: &Value, schema: &Value, id: &str) -> Markup {
    let mut left = MAX_FIELDS;
    match list(root, schema, id, 0, &mut left) {
        Some(list) => html! { (list) @if left == 0 { p.hint { "The first " (MAX_FIELDS) " fields" } } },
        None => html! { p { "The document does not declare fields: " code { (type_words(root, schema, 3)) } } },
    }
}

fn list(root: &Value, schema: &Value, id: &str, depth: usize, left: &mut usize) -> Option<Markup> {
    let properties = properties(root, schema);
    if properties.is_empty() || depth >= MAX_DEPTH {
        return None;
    }
    let items: Vec<Markup> = properties
        .iter()
        .enumerate()
        .map_while(|(index, (name, schema, is_required))| {
            *left = left.checked_sub(1)?;
            Some(field(root, name, schema, *is_required, &format!("{id}-{index}"), depth, left))
        })
        .collect();
    Some(html! { ul.schema { @for item in items { (item) } } })
}

fn field(
    root: &Value,
    name: &str,
    schema: &Value,
    is_required: bool,
    id: &str,
    depth: usize,
    left: &mut usize,
) -> Markup {
    let values = schema.get("enum").and_then(Value::as_array);
    let default =
        schema.get("default").filter(|default| !default.is_null()).map(words).filter(|words| !words.is_empty());
    let nested: Vec<Markup> = nested(root, schema)
        .into_iter()
        .enumerate()
        .filter_map(|(index, nested)| {
            let id = format!("{id}-{index}");
            let list = list(root, &nested, &id, depth + 1, left)?;
            let title = shortened(nested.get("title").and_then(Value::as_str).unwrap_or("its fields"), 80);
            Some(html! { details id=(id) { summary { "Fields of " (title) } (list) } })
        })
        .collect();
    html! {
        li {
            p.head {
                code.name { (shortened(name, 100)) } " " span.type { (shortened(&type_words(root, schema, 3), 160)) }
                @if is_required { " " span.required { "required" } }
            }
            @if let Some(description) = schema.get("description").and_then(Value::as_str) { div.hint { (folded(&format!("{id}-d"), description, 300)) } }
            @let facts = limits(schema);
            @if !facts.is_empty() { p.facts { (facts.join(" · ")) } }
            @if let Some(values) = values { p.facts { "One of: " @for value in values.iter().take(60) { code { (shortened(&words(value), 60)) } " " } @if values.len() > 60 { "…" } } }
            @if let Some(default) = default { p.facts { "Default: " code dir="auto" { (shortened(&default, 200)) } } }
            @for nested in nested { (nested) }
        }
    }
}

/// Returns the schemas of objects in a field: its own, that of its items, or those of its variants.
fn nested(root: &Value, schema: &Value) -> Vec<Value> {
    let whole = expand(root, schema, &mut Vec::new());
    if let Some(variants) = union(&whole) {
        let variants = variants.iter().take(20).map(|variant| expand(root, variant, &mut Vec::new()).into_owned());
        return variants.flat_map(|variant| objects(root, variant)).collect();
    }
    objects(root, whole.into_owned())
}

fn objects(root: &Value, schema: Value) -> Vec<Value> {
    match kind(&schema) {
        Some("object") => vec![schema],
        Some("array") => {
            let items = schema.get("items").map(|items| expand(root, items, &mut Vec::new()).into_owned());
            items.filter(|items| kind(items) == Some("object")).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
