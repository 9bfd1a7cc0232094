//! The keywords of schemas that the generator does not use, for the report.

use std::collections::{BTreeMap, BTreeSet};

use fal_documents::Document;
use serde_json::Value;

use super::{docs, file_limits, media};
use crate::normalize::bounds;
use crate::prose::code;
use crate::refusals;
use crate::schema::{properties, reference};

/// The most keywords that the report lists for an endpoint.
const MAX_KEYWORDS: usize = 200;

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
    unused.schema(&document.input, "Input", 0, Place::default());
    unused.schema(&document.output, "Output", 0, Place::default());
    let keywords: Vec<String> = unused
        .found
        .iter()
        .take(MAX_KEYWORDS)
        .map(|(keyword, (count, place))| refusals::unused_keyword(keyword, *count, place))
        .collect();
    let more = unused.found.len() - keywords.len();
    (!keywords.is_empty()).then(|| refusals::unused_keywords(&keywords, more))
}

/// The place of a schema. It decides which keywords the generator reads.
#[derive(Clone, Copy, Default)]
struct Place {
    /// `deprecated` counts, because this is a property or its only variant.
    is_property: bool,
    /// The title becomes documentation.
    uses_title: bool,
    /// Limits of files are read here.
    has_limits: bool,
    /// Limits of files are read in the items of this array.
    items_have_limits: bool,
}

struct Unused<'a> {
    document: &'a Document,
    /// The number of uses of each keyword, and the first place.
    found: BTreeMap<String, (usize, String)>,
    /// The components that were looked at.
    components: BTreeSet<&'a str>,
}

impl<'a> Unused<'a> {
    fn schema(&mut self, schema: &'a Value, at: &str, depth: usize, place: Place) {
        let Some(object) = schema.as_object().filter(|_| depth < MAX_DEPTH) else { return };
        let component = reference(schema).and_then(|name| self.document.components.get_key_value(name));
        // Those of an image size are read everywhere.
        let target = component.map_or(schema, |(_, component)| component);
        let has_limits = place.has_limits || properties(target).is_some_and(media::is_image_size);
        for (keyword, value) in object {
            match (keyword.as_str(), value) {
                ("x-fal", Value::Object(limits)) if has_limits => {
                    let others = file_limits::others(limits);
                    others.iter().for_each(|key| self.add(&format!("x-fal.{key}"), at));
                }
                ("x-fal", Value::Object(limits)) => {
                    limits.keys().for_each(|key| self.add(&format!("x-fal.{key}"), at));
                }
                ("ui", Value::Object(hints)) => {
                    hints.keys().filter(|key| *key != "field").for_each(|key| self.add(&format!("ui.{key}"), at));
                }
                ("title", _) if place.uses_title => {}
                ("deprecated", value) if place.is_property || value == &Value::Bool(false) => {}
                ("limit_description", _) if place.has_limits => {}
                (keyword, _) if has_limits && file_limits::is_limit(keyword) => {}
                (name, value) if !is_used(schema, name, value) => self.add(name, at),
                _ => {}
            }
            let inner =
                Place { has_limits: place.is_property, items_have_limits: place.is_property, ..Place::default() };
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        let uses_title = docs::uses_title(name, property);
                        let place = Place { is_property: true, uses_title, has_limits: true, items_have_limits: true };
                        self.schema(property, &format!("{at}.{name}"), depth + 1, place);
                    }
                }
                ("items", value @ Value::Object(_)) => {
                    let place = Place { has_limits: place.items_have_limits, ..Place::default() };
                    self.schema(value, at, depth + 1, place);
                }
                ("additionalProperties", value) => self.schema(value, at, depth + 1, Place::default()),
                ("items" | "prefixItems", Value::Array(members)) => {
                    members.iter().for_each(|member| self.schema(member, at, depth + 1, Place::default()));
                }
                ("anyOf" | "oneOf", Value::Array(members)) => {
                    let is_null = |member: &Value| member.get("type").is_some_and(|kind| kind == "null");
                    let is_only = members.iter().filter(|member| !is_null(member)).count() == 1;
                    let place = if is_only { Place { uses_title: false, ..place } } else { inner };
                    members.iter().for_each(|member| self.schema(member, at, depth + 1, place));
                }
                ("allOf", Value::Array(members)) => {
                    let place = Place { uses_title: false, ..place };
                    members.iter().for_each(|member| self.schema(member, at, depth + 1, place));
                }
                // A tuple, whose members have numbers for keywords.
                (index, value) if is_index(index) => self.schema(value, at, depth + 1, Place::default()),
                _ => {}
            }
        }
        if let Some((name, component)) = component
            && self.components.insert(name)
        {
            let place = Place { is_property: place.is_property, ..Place::default() };
            self.schema(component, name, depth + 1, place);
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
    is_index(keyword) || USED.contains(&keyword) || (keyword == "format" && value == "uri")
}

fn is_index(keyword: &str) -> bool {
    keyword.parse::<usize>().is_ok()
}
