//! The third stage: normalised schemas become the model. Inline shapes get names, prose and bounds move into the model,
//! and what remains of each schema goes to typify, which says what it is as a Rust type.

mod docs;
mod media;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::error::Finding;
use crate::model::{Endpoint, Enum, Field, Item, Member, Record, Role, Rule, Setter, Side, Union};
use crate::names::{self, Scope};
use crate::normalize::NULLABLE;
use crate::prose;
use crate::types::{self, RuntimeType};

/// How deep records, lists and unions may nest before the rest is taken as free-form.
const DEPTH: usize = 16;

/// Lowers a document to an endpoint.
pub(crate) fn lower(document: &Document) -> Result<Endpoint, Finding> {
    let mut lowering = Lowering {
        document,
        scope: Scope::types(),
        components: BTreeMap::new(),
        depth: 0,
        drafts: Vec::new(),
        notes: Vec::new(),
    };
    lowering.root("Input", Role::Input, &document.input);
    lowering.root("Output", Role::Output, &document.output);
    let Lowering { mut scope, drafts, notes, .. } = lowering;

    let definitions = drafts.iter().filter_map(Draft::definition).collect();
    let mut types =
        types::decide(definitions).map_err(|reason| Finding::new(&document.file, "/components/schemas", reason))?;
    let items = drafts.into_iter().map(|draft| draft.finish(&mut types, &mut scope)).collect();
    Ok(Endpoint { id: document.id.clone(), category: document.category.clone(), items, notes })
}

/// A schema reduced to what typify needs to name its type.
type Simple = Value;

/// An item whose types are still schemas.
enum Draft {
    Record { name: String, role: Role, docs: Vec<String>, fields: Vec<DraftField> },
    Enum(Enum),
    Union { name: String, side: Side, docs: Vec<String>, members: Vec<DraftMember> },
    FreeForm { name: String, docs: Vec<String> },
}

struct DraftField {
    name: String,
    maybe: String,
    wire: String,
    docs: Vec<String>,
    rules: Vec<Rule>,
    simple: Simple,
    optional: bool,
}

struct DraftMember {
    name: String,
    docs: Vec<String>,
    kind: &'static str,
    simple: Simple,
}

impl Draft {
    /// The item as typify sees it: an object whose properties are the fields or the members.
    fn definition(&self) -> Option<types::Definition> {
        match self {
            Draft::Record { name, fields, .. } => {
                Some((name.clone(), fields.iter().map(|field| (field.simple.clone(), field.optional)).collect()))
            }
            Draft::Union { name, members, .. } => {
                Some((name.clone(), members.iter().map(|member| (member.simple.clone(), false)).collect()))
            }
            Draft::Enum(_) | Draft::FreeForm { .. } => None,
        }
    }

    /// The item, now that the types are known; the states of an input's builder get names that no type has.
    fn finish(self, types: &mut types::Decided, scope: &mut Scope) -> Item {
        match self {
            Draft::Enum(item) => Item::Enum(item),
            Draft::FreeForm { name, docs } => Item::FreeForm { name, docs },
            Draft::Record { name, role, docs, fields } => {
                let kinds = types.remove(&name);
                let mut finished = Vec::new();
                for (field, kind) in fields.into_iter().zip(kinds) {
                    let setter = match field.optional {
                        true => Setter::Maybe(field.maybe),
                        false if role == Role::Input => {
                            let state = names::pascal(&field.wire);
                            Setter::State(scope.take_either(&state, &format!("{state}State")))
                        }
                        false => Setter::State(String::new()),
                    };
                    let DraftField { name, wire, docs, rules, .. } = field;
                    finished.push(Field { name, wire, docs, rules, kind, setter });
                }
                Item::Record(Record { name, role, docs, fields: finished })
            }
            Draft::Union { name, side, docs, members } => {
                let kinds = types.remove(&name);
                let members = members.into_iter().zip(kinds);
                let members = members
                    .map(|(member, of)| Member { name: member.name, docs: member.docs, kind: member.kind, of })
                    .collect();
                Item::Union(Union { name, side, docs, members })
            }
        }
    }
}

struct Lowering<'a> {
    document: &'a Document,
    scope: Scope,
    /// What each component has become; `None` while it is being reduced.
    components: BTreeMap<&'a str, Option<Simple>>,
    /// How deep the schema that is being reduced stands in others.
    depth: usize,
    drafts: Vec<Draft>,
    notes: Vec<String>,
}

impl<'a> Lowering<'a> {
    fn note(&mut self, place: &str, what: &str) {
        self.notes.push(format!("{}: {what}", prose::code(place)));
    }

    /// `Input` or `Output`: a record, if the schema names fields.
    fn root(&mut self, name: &str, role: Role, schema: &'a Value) {
        let schema = self.resolve(schema, 0).unwrap_or(schema);
        if schema.get("properties").and_then(Value::as_object).is_some_and(|fields| !fields.is_empty()) {
            return self.record(name.to_owned(), role, schema);
        }
        self.note(name, "the schema names no fields; it is `serde_json::Value`");
        let docs = docs::of_schema(schema, fallback_docs(name, role));
        self.drafts.push(Draft::FreeForm { name: name.to_owned(), docs });
    }

    /// Follows references to the schema itself.
    fn resolve(&self, schema: &'a Value, depth: usize) -> Option<&'a Value> {
        match reference(schema) {
            Some(_) if depth > DEPTH => None,
            Some(component) => self.resolve(self.document.components.get(component)?, depth + 1),
            None => Some(schema),
        }
    }

    fn record(&mut self, name: String, role: Role, schema: &'a Value) {
        let side = if role == Role::Output { Side::Output } else { Side::Input };
        let required: Vec<&str> = strings(schema.get("required"));
        // The place of the draft is taken now, so that a type stands before those that its fields bring along.
        let place = self.drafts.len();
        let docs = docs::of_schema(schema, fallback_docs(&name, role));
        self.drafts.push(Draft::Record { name: name.clone(), role, docs, fields: Vec::new() });
        let properties = in_order(schema, &required);
        let mut names = field_names(properties.iter().map(|(wire, _)| *wire));
        let mut fields = Vec::new();
        for (wire, property) in properties {
            let at = format!("{name}.{wire}");
            let simple = self.property(&at, wire, property, side);
            // The service fills in what has a default, also where the schema calls it required.
            let given = required.contains(&wire) && property.get("default").is_none_or(Value::is_null);
            let nullable = property.get(NULLABLE) == Some(&Value::Bool(true));
            let optional = !given || nullable || (side == Side::Output && self.may_be_missing(&simple));
            let mut rules = Vec::new();
            if side == Side::Input {
                rules = rules::of_property(property, &|schema| self.resolve(schema, 0));
                rules::unchecked(property).into_iter().for_each(|what| self.note(&at, what));
                if nullable && property.get("default").is_some_and(|default| !default.is_null()) {
                    self.note(&at, "null, which is not the default, cannot be sent");
                }
            }
            fields.push(DraftField {
                name: names.fields.remove(wire).unwrap_or_default(),
                maybe: String::new(),
                wire: wire.to_owned(),
                docs: docs::of_property(wire, property),
                rules,
                simple,
                optional,
            });
        }
        for field in fields.iter_mut().filter(|field| field.optional) {
            field.maybe = names.scope.take(&format!("maybe_{}", field.name.trim_start_matches('_')));
        }
        if let Draft::Record { fields: place, .. } = &mut self.drafts[place] {
            *place = fields;
        }
    }

    /// Whether an output's field is an `Option` although the schema requires it: a number, a boolean, an enum or a
    /// union has no empty value to fall back on. An object has none either, but without it the result makes no sense.
    fn may_be_missing(&self, simple: &Simple) -> bool {
        match (simple.get("type").and_then(Value::as_str), reference(simple)) {
            (Some(kind), _) => matches!(kind, "integer" | "number" | "boolean"),
            (None, Some(name)) => {
                let record = |draft: &Draft| matches!(draft, Draft::Record { name: record, .. } if record == name);
                !types::is_runtime(name) && !self.drafts.iter().any(record)
            }
            (None, None) => true,
        }
    }

    fn property(&mut self, at: &str, wire: &str, schema: &'a Value, side: Side) -> Simple {
        if side == Side::Input && media::is_file(wire, schema) {
            let file = types::runtime(RuntimeType::FileInput);
            return match schema.get("type").and_then(Value::as_str) {
                Some("array") => json!({ "type": "array", "items": file }),
                _ => file,
            };
        }
        let simple = self.simple(at, &names::pascal(wire), schema, side);
        if side == Side::Output && wire == "seed" && simple == types::integer() {
            return types::unsigned();
        }
        simple
    }

    fn free_form(&mut self, at: &str, why: &str) -> Simple {
        self.note(at, &format!("{why}; it is `serde_json::Value`"));
        json!({})
    }

    /// Reduces a schema; `wanted` is the name that an inline shape gets.
    fn simple(&mut self, at: &str, wanted: &str, schema: &'a Value, side: Side) -> Simple {
        if self.depth >= DEPTH {
            return self.free_form(at, "the schema nests too deep");
        }
        self.depth += 1;
        let simple = self.nested(at, wanted, schema, side);
        self.depth -= 1;
        simple
    }

    fn nested(&mut self, at: &str, wanted: &str, schema: &'a Value, side: Side) -> Simple {
        if let Some(component) = reference(schema) {
            return self.component(at, component, side);
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(members)) = schema.get(keyword) {
                return self.union(at, wanted, members, schema, side);
            }
        }
        if is_enumeration(schema) {
            return self.enumeration(at, wanted, schema);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => json!({ "type": "string" }),
            Some("boolean") => json!({ "type": "boolean" }),
            Some("number") => json!({ "type": "number" }),
            Some("integer") if beyond_i64(schema) => types::unsigned(),
            Some("integer") => types::integer(),
            Some("array") => {
                let items = match schema.get("items") {
                    Some(items @ Value::Object(_)) => self.simple(at, wanted, items, side),
                    _ => self.free_form(at, "the schema does not say what the items are"),
                };
                json!({ "type": "array", "items": items })
            }
            Some("object") => match (schema.get("properties"), schema.get("additionalProperties")) {
                (Some(Value::Object(properties)), _) if !properties.is_empty() => {
                    let name = self.scope.take(wanted);
                    self.record(name.clone(), role_of(side), schema);
                    types::local(&name)
                }
                (_, Some(values @ Value::Object(_))) => {
                    let values = self.simple(at, wanted, values, side);
                    json!({ "type": "object", "additionalProperties": values })
                }
                _ => json!({ "type": "object", "additionalProperties": true }),
            },
            _ => self.free_form(at, "the schema does not say what this is"),
        }
    }

    fn component(&mut self, at: &str, component: &'a str, side: Side) -> Simple {
        match self.components.get(component) {
            Some(Some(simple)) => return simple.clone(),
            Some(None) => return self.free_form(at, "the component is made of itself"),
            None => {}
        }
        let Some(schema) = self.document.components.get(component) else {
            return self.free_form(at, &format!("the component {} is not in the document", prose::code(component)));
        };
        let fields = schema.get("properties").and_then(Value::as_object).filter(|fields| !fields.is_empty());
        if let Some(shared) = fields.and_then(|fields| media::shared(fields, side)) {
            return types::runtime(shared);
        }
        let wanted = names::pascal(component);
        if fields.is_some() {
            // A record may hold itself: it is known before its fields are.
            let name = self.scope.take(&wanted);
            self.components.insert(component, Some(types::local(&name)));
            self.record(name.clone(), role_of(side), schema);
            return types::local(&name);
        }
        self.components.insert(component, None);
        let simple = self.simple(at, &wanted, schema, side);
        self.components.insert(component, Some(simple.clone()));
        simple
    }

    fn enumeration(&mut self, at: &str, wanted: &str, schema: &Value) -> Simple {
        let listed = schema.get("enum").and_then(Value::as_array);
        let texts: Option<Vec<&str>> = listed.and_then(|list| list.iter().map(Value::as_str).collect());
        let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
            return self.free_form(at, "an enum of other values than texts");
        };
        let name = self.scope.take(wanted);
        let mut scope = Scope::variants();
        let mut known = BTreeSet::new();
        let texts = texts.into_iter().filter(|text| known.insert(*text));
        let values = texts.map(|text| (scope.take(&names::variant(text)), text.to_owned())).collect();
        let docs = docs::of_schema(schema, &format!("A value of {}.", prose::code(at)));
        self.drafts.push(Draft::Enum(Enum { name: name.clone(), docs, values }));
        types::local(&name)
    }

    /// A union that its members' JSON kinds decide.
    fn union(&mut self, at: &str, wanted: &str, members: &'a [Value], schema: &Value, side: Side) -> Simple {
        let kinds: Option<Vec<&'static str>> = members.iter().map(|member| self.json_kind(member)).collect();
        let Some(kinds) = kinds.filter(|kinds| kinds.len() == 2 && kinds[0] != kinds[1]) else {
            return self.free_form(at, "a union whose members are not one text and one object");
        };
        let name = self.scope.take(&format!("{wanted}Choice"));
        // As with a record: the union stands before the types of its members.
        let place = self.drafts.len();
        let docs = docs::of_schema(schema, &format!("A value of {}, in one of its forms.", prose::code(at)));
        self.drafts.push(Draft::Union { name: name.clone(), side, docs, members: Vec::new() });
        let mut drafts = Vec::new();
        for (member, json_kind) in members.iter().zip(kinds) {
            let preset = json_kind == "string" && self.resolve(member, 0).is_some_and(is_enumeration);
            let (member_name, fallback) = match json_kind {
                "string" if preset => ("Preset", "One of the listed values."),
                "string" => ("Text", "A text."),
                _ => ("Custom", "An object of one's own."),
            };
            let simple = self.simple(at, &format!("{wanted}{member_name}"), member, side);
            let size = simple == types::runtime(RuntimeType::ImageSize);
            let docs = docs::of_schema(member, if size { "A width and a height in pixels." } else { fallback });
            drafts.push(DraftMember {
                name: member_name.to_owned(),
                docs,
                kind: if size { "image_size" } else { json_kind },
                simple,
            });
        }
        if let Draft::Union { members: place, .. } = &mut self.drafts[place] {
            *place = drafts;
        }
        types::local(&name)
    }

    fn json_kind(&self, schema: &'a Value) -> Option<&'static str> {
        match self.resolve(schema, 0)?.get("type")?.as_str()? {
            "string" => Some("string"),
            "object" => Some("object"),
            _ => None,
        }
    }
}

/// The names of a record's fields, and what is still free.
struct FieldNames<'a> {
    fields: BTreeMap<&'a str, String>,
    scope: Scope,
}

/// A property that is called as a field can be keeps its name, whatever the others become.
fn field_names<'a>(properties: impl Iterator<Item = &'a str>) -> FieldNames<'a> {
    let mut names = FieldNames { fields: BTreeMap::new(), scope: Scope::fields() };
    let (same, other): (Vec<&str>, Vec<&str>) = properties.partition(|wire| names::field(wire) == *wire);
    for wire in same.into_iter().chain(other) {
        names.fields.insert(wire, names.scope.take(&names::field(wire)));
    }
    names
}

/// What a record inside the input or the output is for.
fn role_of(side: Side) -> Role {
    match side {
        Side::Input => Role::Part,
        Side::Output => Role::Output,
    }
}

/// What is said of a record whose schema says nothing.
fn fallback_docs(name: &str, role: Role) -> &'static str {
    match role {
        Role::Input => "What the endpoint takes.",
        Role::Part => "A part of the input.",
        Role::Output if name == "Output" => "What the endpoint answers.",
        Role::Output => "A part of the output.",
    }
}

/// Whether a schema lists texts.
fn is_enumeration(schema: &Value) -> bool {
    schema.get("enum").is_some() && schema.get("type").is_none_or(|kind| kind == "string")
}

/// Whether an integer may be larger than an `i64`, and is not negative.
fn beyond_i64(schema: &Value) -> bool {
    let large = |key: &str| schema.get(key).is_some_and(|bound| bound.as_f64() >= Some(i64::MAX as f64));
    let negative = |key: &str| schema.get(key).is_some_and(|bound| bound.as_f64() < Some(0.0));
    (large("maximum") || large("exclusiveMaximum")) && !negative("minimum") && !negative("exclusiveMinimum")
}

/// The component that a `$ref` names, or the type that a simple schema does.
fn reference(schema: &Value) -> Option<&str> {
    let reference = schema.get("$ref")?.as_str()?;
    reference.strip_prefix("#/components/schemas/").or_else(|| reference.strip_prefix("#/definitions/"))
}

fn strings(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// A record's properties: in the order in which fal shows them, else the required ones first, then by name.
fn in_order<'a>(schema: &'a Value, required: &[&str]) -> Vec<(&'a str, &'a Value)> {
    let shown = strings(schema.get("x-fal-order-properties"));
    let places: BTreeMap<&str, usize> = shown.iter().enumerate().rev().map(|(place, name)| (*name, place)).collect();
    let required: BTreeSet<&str> = required.iter().copied().collect();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter);
    let mut properties: Vec<(&str, &Value)> = properties.map(|(name, property)| (name.as_str(), property)).collect();
    properties.sort_by_key(|(name, _)| {
        let place = places.get(name).copied().unwrap_or(usize::MAX);
        (place, !required.contains(name), *name)
    });
    properties
}
