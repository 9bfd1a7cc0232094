//! The third stage: normalised schemas become the model. Inline shapes get names, prose and bounds move into the model,
//! and what remains of each schema goes to typify, which says what it is as a Rust type.

mod docs;
mod endless;
mod media;
mod rules;
mod unions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::error::Finding;
use crate::model::{Endpoint, Enum, Field, Fit, Item, Member, Record, Role, Rule, Setter, Side, Type, Union};
use crate::names::{self, Scope};
use crate::prose;
use crate::schema::{MISSING, NULLABLE, UNDECLARED, in_order, is_beyond_i64, reference, strings};
use crate::types::{self, RuntimeType};

/// How deep records, lists and unions may nest before the rest is taken as free-form.
const DEPTH: usize = 16;

/// How many variants an enum may have; the longest known has some hundreds.
const MOST_VARIANTS: usize = 4_096;

/// Lowers a document to an endpoint.
pub(crate) fn lower(document: &Document) -> Result<Endpoint, Finding> {
    let mut lowering = Lowering {
        document,
        scope: Scope::types(),
        components: BTreeMap::new(),
        depth: 0,
        record: String::new(),
        takes_files: false,
        drafts: Vec::new(),
        notes: Vec::new(),
    };
    lowering.root("Input", Role::Input, &document.input);
    lowering.root("Output", Role::Output, &document.output);
    endless::cut(&mut lowering);
    let Lowering { mut scope, drafts, notes, .. } = lowering;
    let notes = notes.into_iter().map(|(place, what)| format!("{}: {what}", prose::code(&place))).collect();

    let definitions = drafts.iter().filter_map(Draft::definition).collect();
    let mut types = types::decide(definitions)
        .map_err(|reason| Finding::new(&document.file, &document.at, format!("{}: {reason}", document.id)))?;
    let items = drafts.into_iter().map(|draft| draft.finish(&mut types, &mut scope)).collect();
    Ok(Endpoint { id: document.id.clone(), category: document.category.clone(), items, notes })
}

/// A schema reduced to what typify needs to name its type.
type Simple = Value;

/// What a schema has become: its type's schema, and what it demands beyond the type.
#[derive(Clone)]
struct Shape {
    simple: Simple,
    rules: Vec<Rule>,
}

impl From<Simple> for Shape {
    fn from(simple: Simple) -> Self {
        Shape { simple, rules: Vec::new() }
    }
}

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
    facts: Vec<String>,
    default: Option<String>,
    rules: Vec<Rule>,
    simple: Simple,
    optional: bool,
    /// Whether null has a meaning; then the name of the setter that sends it.
    null: Option<String>,
}

struct DraftMember {
    name: String,
    docs: Vec<String>,
    kind: &'static str,
    fit: Fit,
    rules: Vec<Rule>,
    simple: Simple,
}

impl Draft {
    fn name(&self) -> &str {
        match self {
            Draft::Record { name, .. } | Draft::Union { name, .. } | Draft::FreeForm { name, .. } => name,
            Draft::Enum(item) => &item.name,
        }
    }

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
                    let kind = match kind {
                        Type::Option(value) if field.null.is_some() => Type::Option(Box::new(Type::Nullable(value))),
                        kind => kind,
                    };
                    let setter = match field.optional {
                        true => Setter::Maybe { maybe: field.maybe, null: field.null },
                        false if role == Role::Input => {
                            let state = names::pascal(&field.wire);
                            Setter::State(scope.take_either(&state, &format!("{state}State")))
                        }
                        false => Setter::State(String::new()),
                    };
                    let DraftField { name, wire, docs, facts, default, rules, .. } = field;
                    finished.push(Field { name, wire, docs, facts, default, rules, kind, setter });
                }
                Item::Record(Record { name, role, docs, fields: finished })
            }
            Draft::Union { name, side, docs, members } => {
                let kinds = types.remove(&name);
                let members = members.into_iter().zip(kinds);
                let members = members.map(|(member, of)| {
                    let DraftMember { name, docs, kind, fit, rules, .. } = member;
                    Member { name, docs, kind, fit, rules, of }
                });
                let members = members.collect();
                Item::Union(Union { name, side, docs, members })
            }
        }
    }
}

struct Lowering<'a> {
    document: &'a Document,
    scope: Scope,
    /// What each component has become; `None` while it is being reduced.
    components: BTreeMap<&'a str, Option<Shape>>,
    /// How deep the schema that is being reduced stands in others.
    depth: usize,
    /// The record whose field is being reduced.
    record: String,
    /// Whether the texts in the union that is about to be reduced are files.
    takes_files: bool,
    drafts: Vec<Draft>,
    /// What was lost: where, and what of it.
    notes: Vec<(String, String)>,
}

impl<'a> Lowering<'a> {
    fn note(&mut self, place: &str, what: &str) {
        let note = (place.to_owned(), what.to_owned());
        if self.notes.last() != Some(&note) {
            self.notes.push(note);
        }
    }

    /// Notes the parts of a merged schema that are not in the document.
    fn note_missing(&mut self, at: &str, schema: &Value) {
        for component in strings(schema.get(MISSING)) {
            self.note(at, &format!("{}, and what it adds is not here", not_there(component)));
        }
    }

    /// `Input` or `Output`: a record, if the schema names fields.
    fn root(&mut self, name: &str, role: Role, schema: &'a Value) {
        self.note_missing(name, schema);
        let resolved = self.resolve(schema, 0);
        let schema = resolved.unwrap_or(schema);
        if schema.get("properties").and_then(Value::as_object).is_some_and(|fields| !fields.is_empty()) {
            return self.record(name, name.to_owned(), role, schema);
        }
        let free = match reference(schema).filter(|_| resolved.is_none()) {
            Some(component) => not_there(component),
            None => "the schema names no fields".to_owned(),
        };
        self.free_form(name, &free);
        let mut docs = docs::of_schema(schema, &fallback_docs(name, role));
        for loss in docs::of_losses(name, &self.notes) {
            docs.extend([String::new(), loss]);
        }
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

    fn record(&mut self, at: &str, name: String, role: Role, schema: &'a Value) {
        let side = if role == Role::Output { Side::Output } else { Side::Input };
        let required: Vec<&str> = strings(schema.get("required"));
        // The place of the draft is taken now, so that a type stands before those that its fields bring along.
        let place = self.drafts.len();
        let mut docs = docs::of_schema(schema, &fallback_docs(at, role));
        if role == Role::Input {
            docs.extend([String::new(), "Made with [`Input::builder`].".to_owned()]);
        }
        let properties = in_order(schema, &required);
        let before = self.notes.len();
        for absent in required.iter().filter(|required| !properties.iter().any(|(wire, _)| wire == *required)) {
            self.note(&name, &format!("the schema requires the field {}, which it does not name", prose::code(absent)));
        }
        if schema.get("additionalProperties").is_some_and(|further| further == true || further.is_object()) {
            self.note(&name, "the schema allows further fields, which have no place here");
        }
        for loss in docs::of_losses(&name, &self.notes[before..]) {
            docs.extend([String::new(), loss]);
        }
        self.drafts.push(Draft::Record { name: name.clone(), role, docs, fields: Vec::new() });
        let mut names = field_names(properties.iter().map(|(wire, _)| *wire));
        let mut fields = Vec::new();
        for (wire, property) in properties {
            let at = format!("{name}.{wire}");
            self.record.clone_from(&name);
            let before = self.notes.len();
            let Shape { simple, rules } = self.property(&at, wire, property, side);
            let mut facts = docs::facts(property);
            facts.extend(docs::of_losses(&at, &self.notes[before..]));
            let rules = if side == Side::Input { rules } else { Vec::new() };
            // The service fills in what has a default, also where the schema calls it required.
            let default = property.get("default").filter(|default| !default.is_null());
            let has_default = default.is_some();
            let nullable = self.is_nullable(property);
            let optional = !required.contains(&wire)
                || has_default
                || nullable
                || (side == Side::Output && self.may_be_missing(&simple));
            if property.get(UNDECLARED).is_some() {
                self.note(&at, "the schema does not name this field, but an example in the document has it");
            }
            // Null instead of another default says something.
            let null = (side == Side::Input && nullable && has_default).then(String::new);
            fields.push(DraftField {
                name: names.fields.remove(wire).unwrap_or_default(),
                maybe: String::new(),
                wire: wire.to_owned(),
                docs: docs::of_schema(property, &format!("The field {}.", prose::code(wire))),
                facts,
                default: default.map(Value::to_string),
                rules,
                simple,
                optional,
                null,
            });
        }
        for field in fields.iter_mut().filter(|field| field.optional) {
            let name = field.name.trim_start_matches('_');
            field.maybe = names.scope.take(&format!("maybe_{name}"));
            field.null = field.null.is_some().then(|| names.scope.take(&format!("null_{name}")));
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
            (None, Some(name)) if name == types::I128 => true,
            (None, Some(name)) => {
                let record = |draft: &Draft| matches!(draft, Draft::Record { name: record, .. } if record == name);
                !types::is_runtime(name) && !self.drafts.iter().any(record)
            }
            (None, None) => true,
        }
    }

    fn property(&mut self, at: &str, wire: &str, schema: &'a Value, side: Side) -> Shape {
        if side == Side::Input && media::is_file(wire, schema) {
            let file = types::runtime(RuntimeType::FileInput);
            let rules = rules::of_text(schema);
            return match schema.get("items").filter(|_| schema.get("type").is_some_and(|kind| kind == "array")) {
                Some(items) => Shape {
                    simple: json!({ "type": "array", "items": file }),
                    rules: rules::of_list(schema, rules::of_text(items)),
                },
                None => Shape { simple: file, rules },
            };
        }
        self.takes_files = side == Side::Input && media::takes_files(wire, schema);
        let mut shape = self.shape(at, &names::pascal(wire), schema, side);
        // fal draws seeds up to 2^64. The input's is of the same type, so that a seed can be passed back.
        if wire == "seed" && shape.simple == types::integer() {
            shape.simple = types::big_integer();
        }
        shape
    }

    /// Whether null stands for a property, here or where it is described.
    fn is_nullable(&self, schema: &'a Value) -> bool {
        let says = |schema: &Value| schema.get(NULLABLE) == Some(&Value::Bool(true));
        says(schema) || self.resolve(schema, 0).is_some_and(says)
    }

    fn free_form(&mut self, at: &str, why: &str) -> Shape {
        self.note(at, &format!("{why}; it is `serde_json::Value`"));
        json!({}).into()
    }

    /// Reduces a schema; `wanted` is the name that an inline shape gets.
    fn shape(&mut self, at: &str, wanted: &str, schema: &'a Value, side: Side) -> Shape {
        if self.depth >= DEPTH {
            return self.free_form(at, "the schema nests too deep");
        }
        self.depth += 1;
        self.note_missing(at, schema);
        let shape = self.nested(at, wanted, schema, side);
        self.depth -= 1;
        if side == Side::Input {
            rules::unchecked(schema).into_iter().for_each(|what| self.note(at, &what));
        }
        shape
    }

    fn nested(&mut self, at: &str, wanted: &str, schema: &'a Value, side: Side) -> Shape {
        let takes_files = std::mem::take(&mut self.takes_files);
        if let Some(component) = reference(schema) {
            return self.component(at, component, schema, side);
        }
        if let Some(Value::Array(members)) = schema.get("anyOf") {
            return self.union(at, wanted, members, schema, side, takes_files);
        }
        let shape = |simple: Simple, rules: Vec<Rule>| Shape { simple, rules };
        let listed = schema.get("enum").and_then(Value::as_array).filter(|listed| !listed.is_empty());
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => match listed {
                Some(listed) => self.enumeration(at, wanted, schema, listed.iter(), false),
                None => shape(json!({ "type": "string" }), rules::of_text(schema)),
            },
            Some("boolean") => shape(json!({ "type": "boolean" }), rules::of_truth(schema)),
            Some("number") => shape(json!({ "type": "number" }), rules::of_number(schema)),
            Some("integer") => {
                let simple = if is_beyond_i64(schema) { types::big_integer() } else { types::integer() };
                shape(simple, rules::of_number(schema))
            }
            Some("array") => {
                let items = match schema.get("items") {
                    Some(items @ Value::Object(_)) => self.item(at, &names::singular(wanted), items, side),
                    _ => self.free_form(at, "the schema does not say what the items are"),
                };
                shape(json!({ "type": "array", "items": items.simple }), rules::of_list(schema, items.rules))
            }
            Some("object") => match (schema.get("properties"), schema.get("additionalProperties")) {
                (Some(Value::Object(properties)), _) if !properties.is_empty() => {
                    let name = self.inline_name(wanted);
                    self.record(at, name.clone(), role_of(side), schema);
                    types::local(&name).into()
                }
                (_, Some(values @ Value::Object(_))) => {
                    let values = self.item(at, wanted, values, side);
                    let rules = rules::of_items(values.rules).into_iter().collect();
                    shape(json!({ "type": "object", "additionalProperties": values.simple }), rules)
                }
                _ => json!({ "type": "object", "additionalProperties": true }).into(),
            },
            _ if listed.is_some() => self.free_form(at, "the values that are listed are neither texts nor numbers"),
            Some("null") | None => self.free_form(at, "the schema does not say what this is"),
            Some(_) => self.free_form(at, "the schema's `type` is none that is known"),
        }
    }

    /// A name for a type that has none; where it is taken, with the name of the record that it stands in.
    fn inline_name(&mut self, wanted: &str) -> String {
        self.scope.take_either(wanted, &format!("{}{wanted}", self.record))
    }

    /// An item of a list, or a value of a map, which may be null.
    fn item(&mut self, at: &str, wanted: &str, schema: &'a Value, side: Side) -> Shape {
        let mut item = self.shape(at, wanted, schema, side);
        if self.is_nullable(schema) && !is_free(&item.simple) {
            item.simple = json!({ "oneOf": [item.simple, { "type": "null" }] });
        }
        item
    }

    fn component(&mut self, at: &str, component: &'a str, siblings: &'a Value, side: Side) -> Shape {
        let mut shape = match self.components.get(component) {
            Some(Some(shape)) if is_free(&shape.simple) => {
                return self.free_form(at, &format!("the component {} is free-form", prose::code(component)));
            }
            Some(Some(shape)) => shape.clone(),
            Some(None) => return self.free_form(at, "the component is made of itself"),
            None => self.new_component(at, component, side),
        };
        // Bounds may stand beside the reference.
        shape.rules.extend(match shape.simple.get("type").and_then(Value::as_str) {
            Some("integer" | "number") => rules::of_number(siblings),
            Some("string") => rules::of_text(siblings),
            Some("array") => rules::of_list(siblings, Vec::new()),
            _ => Vec::new(),
        });
        shape
    }

    fn new_component(&mut self, at: &str, component: &'a str, side: Side) -> Shape {
        let Some(schema) = self.document.components.get(component) else {
            return self.free_form(at, &not_there(component));
        };
        let fields = schema.get("properties").and_then(Value::as_object).filter(|fields| !fields.is_empty());
        let fields = fields.filter(|_| schema.get("anyOf").is_none());
        if let Some(shared) = fields.and_then(|fields| media::shared(fields, side)) {
            let rules = if shared == RuntimeType::ImageSize { rules::of_image_size(schema) } else { Vec::new() };
            return Shape { simple: types::runtime(shared), rules };
        }
        let wanted = names::component(component);
        if fields.is_some() {
            // A record may hold itself: it is known before its fields are.
            let name = self.scope.take(&wanted);
            self.components.insert(component, Some(types::local(&name).into()));
            self.record(at, name.clone(), role_of(side), schema);
            return types::local(&name).into();
        }
        self.components.insert(component, None);
        let shape = self.shape(at, &wanted, schema, side);
        self.components.insert(component, Some(shape.clone()));
        shape
    }

    /// An enum of the texts that are listed.
    fn enumeration<'v>(
        &mut self,
        at: &str,
        wanted: &str,
        schema: &Value,
        listed: impl Iterator<Item = &'v Value>,
        any_text: bool,
    ) -> Shape {
        let mut known = BTreeSet::new();
        let texts: Vec<&str> = listed.filter_map(Value::as_str).filter(|text| known.insert(*text)).collect();
        if texts.is_empty() {
            return json!({ "type": "string" }).into();
        }
        if texts.len() > MOST_VARIANTS {
            self.note(at, &format!("the schema lists {} texts, too many for an enum; it is a text", texts.len()));
            return json!({ "type": "string" }).into();
        }
        let name = self.inline_name(wanted);
        let mut scope = Scope::variants();
        let values = texts.into_iter().map(|text| (scope.take(&names::variant(text)), text.to_owned())).collect();
        let docs = docs::of_schema(schema, &format!("A value of {}.", prose::code(at)));
        self.drafts.push(Draft::Enum(Enum { name: name.clone(), docs, values, any_text }));
        types::local(&name).into()
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

/// What is said of a record whose schema says nothing: where it is met first.
fn fallback_docs(at: &str, role: Role) -> String {
    match role {
        Role::Input => "What the endpoint takes.".to_owned(),
        Role::Part => format!("A part of the input, in {}.", prose::code(at)),
        Role::Output if at == "Output" => "What the endpoint answers.".to_owned(),
        Role::Output => format!("A part of the output, in {}.", prose::code(at)),
    }
}

fn is_free(simple: &Simple) -> bool {
    simple.as_object().is_some_and(Map::is_empty)
}

fn not_there(component: &str) -> String {
    format!("the component {} is not in the document", prose::code(component))
}
