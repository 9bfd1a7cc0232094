//! The JSON Schema of an input, self-contained and within what the clients of agents accept.
//!
//! Documents are untrusted, and one invalid schema makes a client reject all tools. So only known keywords with valid values
//! remain, texts are bounded, and references lead to `$defs`. The input itself is validated by its document, not by this.

use std::collections::BTreeMap;

use fal_documents::budget::{self, Budget};
use fal_documents::text::is_hidden;
use fal_documents::{Document, component};
use serde_json::{Map, Value, json};

/// The largest schema, in bytes: about the room that a client gives to all tools.
const MAX_BYTES: usize = 256 << 10;
/// The deepest nesting of schemas. Clients reject deep JSON.
const MAX_DEPTH: usize = 32;
/// The longest description of a field, in characters.
const MAX_DESCRIPTION: usize = 1000;
/// The largest default and example, in bytes.
const MAX_EXAMPLE: usize = 1000;
/// The most examples of a field.
const MAX_EXAMPLES: usize = 3;

const KINDS: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
const NUMBERS: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const SIZES: [&str; 6] = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];
/// Other names that documents have for bounds of a number.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("min", "minimum"),
    ("ge", "minimum"),
    ("gt", "exclusiveMinimum"),
    ("max", "maximum"),
    ("le", "maximum"),
    ("lt", "exclusiveMaximum"),
];

/// A schema, and the optional fields that it lacks because clients reject their names.
#[derive(Debug)]
pub(crate) struct Converted {
    pub(crate) schema: Map<String, Value>,
    pub(crate) left_out: Vec<String>,
}

/// Returns the schema of a document's input: an object whose fields are at the root, because clients reject unions there.
///
/// # Errors
///
/// The input is not an object, or the schema exceeds the limits of clients. The error is the reason.
pub(crate) fn of_input(document: &Document) -> Result<Converted, String> {
    let mut converter = Converter::new(document);
    let mut fields = Fields::default();
    converter.flatten(&document.input, &mut fields, &mut Vec::new())?;
    let mut root = converter.object(&fields.properties, &fields.required, 0)?;
    root.insert("type".to_owned(), json!("object"));
    if fields.is_closed {
        root.insert("additionalProperties".to_owned(), json!(false));
    }
    converter.add_definitions(&mut root)?;
    Ok(Converted { schema: root, left_out: converter.left_out })
}

/// Returns the description of a document's input.
pub(crate) fn description(document: &Document) -> Option<String> {
    let mut schema = &document.input;
    for _ in 0..MAX_DEPTH {
        if let Some(text) = schema.get("description").and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
            return Some(bounded(text, MAX_DESCRIPTION));
        }
        schema = target(document, schema)?;
    }
    None
}

/// Returns the names of the fields of a document's output.
pub(crate) fn output_fields(document: &Document) -> Vec<String> {
    let mut fields = Fields::default();
    let flattened = Converter::new(document).flatten(&document.output, &mut fields, &mut Vec::new());
    let names = fields.properties.keys().filter(|name| is_valid_name(name)).cloned().collect();
    flattened.map(|()| names).unwrap_or_default()
}

/// Removes hidden characters from a text, which may carry instructions that a person does not see, and bounds its length.
pub(crate) fn bounded(text: &str, max: usize) -> String {
    let mut chars = text.trim().chars().filter(|c| matches!(c, '\n' | '\t') || !is_hidden(*c));
    let mut bounded: String = chars.by_ref().take(max).collect();
    if chars.next().is_some() {
        bounded.pop();
        bounded.push('…');
    }
    bounded
}

/// Returns true if all clients accept a field of this name.
fn is_valid_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_.-".contains(&c))
}

fn target<'a>(document: &'a Document, schema: &Value) -> Option<&'a Value> {
    document.components.get(component(schema.get("$ref")?.as_str()?))
}

/// Returns true if a component is nothing but a reference to itself, directly or by others.
fn leads_to_itself(document: &Document, name: &str) -> bool {
    let mut schema = document.components.get(name);
    // More references than components must repeat one.
    for _ in 0..=document.components.len() {
        match schema.and_then(|schema| target(document, schema)) {
            Some(next) => schema = Some(next),
            None => return false,
        }
    }
    true
}

/// The fields of an object, and of the variants of a union of objects.
#[derive(Debug, Default)]
struct Fields {
    /// The schemas of each field. A field of several variants has several.
    properties: Map<String, Value>,
    required: Vec<String>,
    /// True if other fields are not allowed.
    is_closed: bool,
}

struct Converter<'a> {
    document: &'a Document,
    /// The names of the definitions, by component.
    names: BTreeMap<&'a str, String>,
    /// The components whose definitions are to be added.
    pending: Vec<&'a str>,
    left_out: Vec<String>,
    budget: Budget,
}

impl<'a> Converter<'a> {
    fn new(document: &'a Document) -> Self {
        let (names, pending, left_out) = (BTreeMap::new(), Vec::new(), Vec::new());
        Converter { document, names, pending, left_out, budget: Budget::new(MAX_BYTES) }
    }

    /// Collects the fields of an object, following references and combining the variants of a union.
    fn flatten(&mut self, schema: &'a Value, fields: &mut Fields, inside: &mut Vec<&'a Value>) -> Result<(), String> {
        if !self.budget.spend(1) || inside.len() > MAX_DEPTH {
            return Err(too_large());
        }
        if inside.iter().any(|outer| std::ptr::eq(*outer, schema)) {
            return Ok(());
        }
        inside.push(schema);
        if let Some(target) = target(self.document, schema) {
            self.flatten(target, fields, inside)?;
        }
        for member in members(schema, "allOf") {
            self.flatten(member, fields, inside)?;
        }
        for keyword in ["anyOf", "oneOf"] {
            self.flatten_union(members(schema, keyword).filter(|member| !is_null(member)), fields, inside)?;
        }
        inside.pop();
        let is_object = match schema.get("type") {
            None => true,
            Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
            Some(kind) => kind == "object",
        };
        if !is_object {
            return Err("its input is not an object".to_owned());
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            add_property(&mut fields.properties, name, property);
        }
        fields.is_closed |= schema.get("additionalProperties") == Some(&json!(false));
        for name in strings(schema.get("required")) {
            if !fields.required.iter().any(|known| known == name) {
                fields.required.push(name.to_owned());
            }
        }
        Ok(())
    }

    /// Combines the variants of a union: a field is required if it is in all of them.
    fn flatten_union(
        &mut self,
        variants: impl Iterator<Item = &'a Value>,
        fields: &mut Fields,
        inside: &mut Vec<&'a Value>,
    ) -> Result<(), String> {
        let mut required: Option<Vec<String>> = None;
        for variant in variants {
            let mut of_variant = Fields::default();
            self.flatten(variant, &mut of_variant, inside)?;
            for (name, property) in &of_variant.properties {
                add_property(&mut fields.properties, name, property);
            }
            required = Some(match required {
                None => of_variant.required,
                Some(mut required) => {
                    required.retain(|name| of_variant.required.contains(name));
                    required
                }
            });
        }
        for name in required.into_iter().flatten() {
            if !fields.required.contains(&name) {
                fields.required.push(name);
            }
        }
        Ok(())
    }

    /// Converts the fields of an object.
    fn object(
        &mut self,
        properties: &Map<String, Value>,
        required: &[String],
        depth: usize,
    ) -> Result<Map<String, Value>, String> {
        let mut converted = Map::new();
        for (name, property) in properties {
            if is_valid_name(name) {
                converted.insert(name.clone(), self.schema(property, depth + 1)?);
            } else if required.contains(name) {
                let name = fal_documents::text::quoted(name);
                return Err(format!(
                    "clients reject the name of its required field {name}: it is longer than 64 characters, or has others \
                     than letters, digits, `_`, `.` and `-`"
                ));
            } else {
                self.left_out.push(name.clone());
            }
        }
        let mut object = Map::new();
        let required: Vec<&String> = required.iter().filter(|name| converted.contains_key(*name)).collect();
        if !required.is_empty() {
            object.insert("required".to_owned(), json!(required));
        }
        object.insert("properties".to_owned(), Value::Object(converted));
        Ok(object)
    }

    fn schema(&mut self, schema: &Value, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("its input has more than {MAX_DEPTH} levels"));
        }
        if !self.budget.spend(16) {
            return Err(too_large());
        }
        let Value::Object(schema) = schema else {
            return Ok(if schema == &json!(false) { json!({ "not": {} }) } else { json!({}) });
        };
        // Pydantic wraps a reference that has a default.
        if let Some(only) = sole_member(schema) {
            let mut merged = schema.clone();
            merged.remove("allOf");
            for (keyword, value) in only {
                merged.entry(keyword.as_str()).or_insert_with(|| value.clone());
            }
            return self.schema(&Value::Object(merged), depth + 1);
        }
        let mut converted = Map::new();
        self.add_shape(schema, &mut converted, depth)?;
        let converted = match schema.get("nullable") == Some(&json!(true)) {
            true => nullable(converted),
            false => converted,
        };
        let converted = self.with_notes(schema, converted);
        match self.budget.spend(own_size(&converted)) {
            true => Ok(Value::Object(converted)),
            false => Err(too_large()),
        }
    }

    /// Adds what a value must be.
    fn add_shape(
        &mut self,
        schema: &Map<String, Value>,
        converted: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), String> {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str)
            && let Some((name, _)) = self.document.components.get_key_value(component(name))
            && !leads_to_itself(self.document, name)
        {
            converted.insert("$ref".to_owned(), json!(format!("#/$defs/{}", self.definition(name))));
        }
        let mut kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            kinds => strings(kinds).collect(),
        };
        kinds.retain(|kind| KINDS.contains(kind));
        kinds.sort_unstable();
        kinds.dedup();
        match kinds[..] {
            [] => {}
            [kind] => drop(converted.insert("type".to_owned(), json!(kind))),
            _ => drop(converted.insert("type".to_owned(), json!(kinds))),
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            let mut distinct: Vec<&Value> = Vec::new();
            values.iter().for_each(|value| {
                if !distinct.contains(&value) {
                    distinct.push(value);
                }
            });
            if !distinct.is_empty() {
                converted.insert("enum".to_owned(), json!(distinct));
            }
        }
        if let Some(value) = schema.get("const") {
            converted.insert("const".to_owned(), value.clone());
        }
        add_bounds(schema, converted);
        for keyword in ["format", "pattern"] {
            // Clients have other regular expressions than documents. Groups with a question mark differ most.
            let is_portable =
                |text: &&String| text.len() <= 200 && text.chars().all(|c| !is_hidden(c)) && !text.contains("(?");
            if let Some(text) =
                schema.get(keyword).and_then(Value::as_str).map(str::to_owned).as_ref().filter(is_portable)
            {
                converted.insert(keyword.to_owned(), json!(text));
            }
        }
        if let Some(Value::Object(properties)) = schema.get("properties") {
            let required: Vec<String> = strings(schema.get("required")).map(str::to_owned).collect();
            converted.extend(self.object(properties, &required, depth)?);
        }
        match schema.get("items") {
            Some(Value::Array(items)) => {
                converted.insert("prefixItems".to_owned(), self.members(items, depth)?);
            }
            Some(items) => drop(converted.insert("items".to_owned(), self.schema(items, depth + 1)?)),
            None if kinds.contains(&"array") => drop(converted.insert("items".to_owned(), json!({}))),
            None => {}
        }
        if let Some(Value::Array(items)) = schema.get("prefixItems").filter(|items| items != &&json!([])) {
            converted.insert("prefixItems".to_owned(), self.members(items, depth)?);
        }
        match schema.get("additionalProperties") {
            Some(Value::Bool(allowed)) => drop(converted.insert("additionalProperties".to_owned(), json!(allowed))),
            Some(values @ Value::Object(_)) => {
                converted.insert("additionalProperties".to_owned(), self.schema(values, depth + 1)?);
            }
            _ => {}
        }
        // At most one variant is chosen in any case, and not all clients know `oneOf`.
        for (keyword, name) in [("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")] {
            if let Some(Value::Array(members)) = schema.get(keyword).filter(|members| members != &&json!([])) {
                let members = self.members(members, depth)?;
                converted.entry(name).or_insert(members);
            }
        }
        Ok(())
    }

    fn members(&mut self, members: &[Value], depth: usize) -> Result<Value, String> {
        members.iter().map(|member| self.schema(member, depth + 1)).collect()
    }

    /// Adds what a client reads about a field.
    fn with_notes(&self, schema: &Map<String, Value>, mut converted: Map<String, Value>) -> Map<String, Value> {
        let is_short = |value: &&Value| budget::size(value) <= MAX_EXAMPLE;
        if let Some(text) = schema.get("description").and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
            converted.insert("description".to_owned(), json!(bounded(text, MAX_DESCRIPTION)));
        }
        if let Some(default) = schema.get("default").filter(is_short) {
            converted.insert("default".to_owned(), default.clone());
        }
        let examples =
            schema.get("examples").and_then(Value::as_array).into_iter().flatten().chain(schema.get("example"));
        let examples: Vec<&Value> = examples.filter(is_short).take(MAX_EXAMPLES).collect();
        if !examples.is_empty() {
            converted.insert("examples".to_owned(), json!(examples));
        }
        if schema.get("deprecated") == Some(&json!(true)) {
            converted.insert("deprecated".to_owned(), json!(true));
        }
        converted
    }

    /// Returns the name of a component's definition.
    fn definition(&mut self, component: &'a str) -> String {
        if let Some(name) = self.names.get(component) {
            return name.clone();
        }
        let mut name: String = component.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
        if name.is_empty() || self.names.values().any(|known| *known == name) {
            name = format!("{name}_{}", self.names.len());
        }
        self.names.insert(component, name.clone());
        self.pending.push(component);
        name
    }

    fn add_definitions(&mut self, root: &mut Map<String, Value>) -> Result<(), String> {
        let mut definitions = Map::new();
        while let Some(component) = self.pending.pop() {
            let schema = self.schema(&self.document.components[component], 1)?;
            definitions.insert(self.names[component].clone(), schema);
        }
        if !definitions.is_empty() {
            root.insert("$defs".to_owned(), Value::Object(definitions));
        }
        Ok(())
    }
}

fn too_large() -> String {
    format!("the schema of its input exceeds {} KiB", MAX_BYTES >> 10)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type") == Some(&json!("null"))
}

fn members<'a>(schema: &'a Value, keyword: &str) -> impl Iterator<Item = &'a Value> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten()
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Adds a field, or another schema of a field.
fn add_property(properties: &mut Map<String, Value>, name: &str, property: &Value) {
    match properties.get_mut(name) {
        None => drop(properties.insert(name.to_owned(), property.clone())),
        Some(known) if known == property => {}
        Some(known) => match known.get_mut("anyOf").and_then(Value::as_array_mut) {
            Some(members) if members.contains(property) => {}
            Some(members) => members.push(property.clone()),
            None => *known = json!({ "anyOf": [known.take(), property] }),
        },
    }
}

/// Returns the keywords of an only member of `allOf`, if nothing next to it contradicts.
fn sole_member(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(only)]) if !schema.contains_key("properties") => Some(only),
        _ => None,
    }
}

fn add_bounds(schema: &Map<String, Value>, converted: &mut Map<String, Value>) {
    for keyword in NUMBERS {
        if let Some(bound) = schema.get(keyword).filter(|bound| bound.is_number()) {
            converted.insert(keyword.to_owned(), bound.clone());
        }
    }
    if matches!(schema.get("type").and_then(Value::as_str), Some("integer" | "number")) {
        for (other, keyword) in OTHER_NAMES {
            if let Some(bound) = schema.get(other).filter(|bound| bound.is_number()) {
                converted.entry(keyword).or_insert_with(|| bound.clone());
            }
        }
    }
    // A boolean, as in OpenAPI 3.0, makes the other bound exclusive.
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if schema.get(flag) == Some(&json!(true))
            && let Some(bound) = converted.remove(bound)
        {
            converted.insert(flag.to_owned(), bound);
        }
    }
    if converted.get("multipleOf").and_then(Value::as_f64).is_some_and(|divisor| divisor <= 0.0) {
        converted.remove("multipleOf");
    }
    for keyword in SIZES {
        if let Some(size) = schema.get(keyword).and_then(Value::as_u64) {
            converted.insert(keyword.to_owned(), json!(size));
        }
    }
    if schema.get("uniqueItems") == Some(&json!(true)) {
        converted.insert("uniqueItems".to_owned(), json!(true));
    }
}

/// Allows null, in addition to what a schema allows.
fn nullable(schema: Map<String, Value>) -> Map<String, Value> {
    match (schema.get("type"), schema.get("enum"), schema.get("const")) {
        (Some(Value::String(kind)), None, None) if kind != "null" => {
            let kinds = json!([kind, "null"]);
            let mut schema = schema;
            schema.insert("type".to_owned(), kinds);
            schema
        }
        _ if schema.is_empty() => schema,
        _ => Map::from_iter([("anyOf".to_owned(), json!([schema, { "type": "null" }]))]),
    }
}

/// Returns the size of a schema without the schemas inside it.
fn own_size(schema: &Map<String, Value>) -> usize {
    let own = schema.iter().filter(|(keyword, _)| {
        !["properties", "items", "prefixItems", "additionalProperties", "anyOf", "allOf"].contains(&keyword.as_str())
    });
    own.map(|(keyword, value)| keyword.len() + budget::size(value)).sum()
}
