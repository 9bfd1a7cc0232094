//! The keywords of schemas that the generator does not use, for the report.

use std::collections::{BTreeMap, BTreeSet};

use fal_documents::Document;
use serde_json::Value;

use super::{docs, file_limits};
use crate::normalize::bounds;
use crate::prose::code;
use crate::refusals;
use crate::schema::reference;

/// The most keywords that the report lists for an endpoint.
const MAX_KEYWORDS: usize = 40;

/// Schemas nested deeper than this are not looked at.
const MAX_DEPTH: usize = 64;

/// Keywords that decide on types or documentation, or about which there are notes.
const USED: &[&str] = &[
    "$defs",
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "default",
    "definitions",
    "dependentRequired",
    "deprecated",
    "description",
    "discriminator",
    "enum",
    "example",
    "examples",
    "if",
    "items",
    "maxProperties",
    "minProperties",
    "not",
    "nullable",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "type",
    "x-fal-order-properties",
    "_fal_ui_field",
    "limit_description",
];

/// Keywords that apply to one type.
const OF_TYPE: &[(&str, &[&str])] = &[
    ("string", &["minLength", "maxLength", "pattern"]),
    ("array", &["minItems", "maxItems", "uniqueItems"]),
    ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
];

/// Returns a line about the keywords of a document that are not used, each with its number and its first place.
pub(crate) fn unused(document: &Document) -> Option<String> {
    let mut unused = Unused { document, found: BTreeMap::new(), components: BTreeSet::new() };
    unused.schema(&document.input, "Input", 0, false);
    unused.schema(&document.output, "Output", 0, false);
    let keywords: Vec<String> = unused
        .found
        .iter()
        .take(MAX_KEYWORDS)
        .map(|(keyword, (count, place))| refusals::unused_keyword(keyword, *count, place))
        .collect();
    let more = unused.found.len() - keywords.len();
    (!keywords.is_empty()).then(|| refusals::unused_keywords(&keywords, more))
}

struct Unused<'a> {
    document: &'a Document,
    /// The number of uses of each keyword, and the first place.
    found: BTreeMap<String, (usize, String)>,
    /// The components that were looked at.
    components: BTreeSet<&'a str>,
}

impl<'a> Unused<'a> {
    fn schema(&mut self, schema: &'a Value, at: &str, depth: usize, uses_title: bool) {
        let Some(object) = schema.as_object().filter(|_| depth < MAX_DEPTH) else { return };
        for (keyword, value) in object {
            match (keyword.as_str(), value) {
                ("x-fal", Value::Object(limits)) => {
                    let unknown = limits.keys().filter(|key| !file_limits::is_known(key));
                    unknown.for_each(|key| self.add(&format!("x-fal.{key}"), at));
                }
                ("ui", Value::Object(hints)) => {
                    hints.keys().filter(|key| *key != "field").for_each(|key| self.add(&format!("ui.{key}"), at));
                }
                ("title", _) if uses_title => {}
                (name, value) if !is_used(schema, name, value) => self.add(name, at),
                _ => {}
            }
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        let uses_title = docs::uses_title(name, property);
                        self.schema(property, &format!("{at}.{name}"), depth + 1, uses_title);
                    }
                }
                ("items" | "additionalProperties", value) => self.schema(value, at, depth + 1, false),
                ("anyOf" | "oneOf" | "allOf", Value::Array(members)) => {
                    members.iter().for_each(|member| self.schema(member, at, depth + 1, false));
                }
                _ => {}
            }
        }
        if let Some((name, component)) = reference(schema).and_then(|name| self.document.components.get_key_value(name))
            && self.components.insert(name)
        {
            self.schema(component, name, depth + 1, false);
        }
    }

    fn add(&mut self, keyword: &str, at: &str) {
        let (count, _) = self.found.entry(code(keyword)).or_insert_with(|| (0, code(at)));
        *count += 1;
    }
}

fn is_used(schema: &Value, keyword: &str, value: &Value) -> bool {
    let kind = schema.get("type").and_then(Value::as_str);
    let is_of = |wanted: &str| match kind {
        Some("integer") => wanted == "number",
        Some(kind) => wanted == kind,
        None => true,
    };
    if let Some((wanted, _)) = OF_TYPE.iter().find(|(_, keywords)| keywords.contains(&keyword)) {
        return is_of(wanted);
    }
    if let Some((_, name)) = bounds::NAMES.iter().find(|(other, _)| *other == keyword) {
        return is_of("number") && value.is_number() && schema.get(*name).is_none();
    }
    // The members of a tuple have numbers for keywords.
    let is_index = keyword.parse::<usize>().is_ok();
    is_index || USED.contains(&keyword) || file_limits::is_known(keyword) || (keyword == "format" && value == "uri")
}
