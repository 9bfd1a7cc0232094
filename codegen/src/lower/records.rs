//! Objects with named fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::draft::Shape;
use super::walk::{Site, Walk};
use super::{docs, file_limits, media, rules};
use crate::model::{Field, Item, Presence, Record, Role, Side};
use crate::names::{self, Scope};
use crate::schema::{UNDECLARED, in_order, properties, reference, strings};
use crate::types::{self, RuntimeType, Simple};
use crate::{refusals, words};

impl<'a> Walk<'a> {
    /// Lowers `Input` or `Output`: a record if the schema declares fields, free-form otherwise.
    pub(super) fn root(&mut self, name: &str, role: Role, schema: &'a Value) {
        self.note_missing(name, schema);
        // Without a reference: fal's own documents have outputs whose component is empty.
        let is_missing = role == Role::Output && schema.as_object().is_some_and(Map::is_empty);
        let resolved = self.resolve(schema);
        let schema = resolved.unwrap_or(schema);
        let fallback = if role == Role::Input { words::INPUT } else { words::OUTPUT };
        if properties(schema).is_some() {
            return self.record(name, role, schema, fallback);
        }
        let why = match reference(schema).filter(|_| resolved.is_none()) {
            Some(component) => refusals::missing_component(component),
            None if is_missing => refusals::NO_OUTPUT.to_owned(),
            None => refusals::NO_FIELDS.to_owned(),
        };
        self.free_form(name, &why);
        let mut docs = docs::of_schema(schema, fallback);
        for note in docs::of_notes(name, &self.notes) {
            docs.extend([String::new(), note]);
        }
        self.drafts.push(Item::FreeForm { name: name.to_owned(), docs });
    }

    /// Adds a record. The fallback documents it if the schema does not.
    pub(super) fn record(&mut self, name: &str, role: Role, schema: &'a Value, fallback: &str) {
        let required = strings(schema.get("required"));
        let properties = in_order(schema, &required);
        let before = self.notes.len();
        let declared: BTreeSet<&str> = properties.iter().map(|(wire, _)| *wire).collect();
        for absent in required.iter().filter(|required| !declared.contains(*required)) {
            self.note(name, refusals::required_but_undeclared(absent));
        }
        if schema.get("additionalProperties").is_some_and(|further| further == true || further.is_object()) {
            self.note(name, refusals::FURTHER_FIELDS);
        }
        if role != Role::Output {
            rules::unchecked(schema).into_iter().for_each(|text| self.note(name, text));
        }
        let mut docs = docs::of_schema(schema, fallback);
        if role == Role::Input {
            docs.extend([String::new(), words::INPUT_IS_BUILT.to_owned()]);
        }
        for note in docs::of_notes(name, &self.notes[before..]) {
            docs.extend([String::new(), note]);
        }
        // Added before its fields are lowered, so that it precedes the types that they add.
        let index = self.drafts.len();
        self.records.insert(name.to_owned());
        self.drafts.push(Item::Record(Record { name: name.to_owned(), role, docs, fields: Vec::new() }));
        let required: BTreeSet<&str> = required.into_iter().collect();
        let mut names = FieldNames::new(properties.iter().map(|(wire, _)| *wire));
        let lowered: Vec<Field<Simple>> = properties
            .into_iter()
            .map(|(wire, property)| self.field(name, role, wire, property, required.contains(wire), &mut names))
            .collect();
        if let Item::Record(Record { fields, .. }) = &mut self.drafts[index] {
            *fields = lowered;
        }
    }

    fn field(
        &mut self,
        record: &str,
        role: Role,
        wire: &str,
        property: &'a Value,
        required: bool,
        names: &mut FieldNames<'a>,
    ) -> Field<Simple> {
        let side = if role == Role::Output { Side::Output } else { Side::Input };
        let at = format!("{record}.{wire}");
        let before = self.notes.len();
        let wanted = names::of_field(record, wire);
        let site = Site {
            schema: property,
            at: &at,
            wanted: &wanted,
            owner: record,
            side,
            is_item: false,
            takes_files: false,
        };
        let Shape { simple, mut rules } = self.property(wire, site);
        if side == Side::Input {
            rules.extend(self.accepted(wire, property));
        }
        let mut facts = docs::facts(property);
        if side == Side::Input {
            facts.extend(self.examples(property));
        }
        facts.extend(docs::limits(property));
        facts.extend(file_limits::facts(property));
        file_limits::unchecked(property).into_iter().for_each(|text| self.note(&at, text));
        facts.extend(docs::of_notes(&at, &self.notes[before..]));
        if property.get(UNDECLARED).is_some() {
            self.note(&at, refusals::UNDECLARED);
        }
        let default = property.get("default").filter(|default| !default.is_null());
        let nullable = self.is_nullable(property);
        // The service fills in a field that has a default, even where the schema requires it.
        let is_demanded = required && default.is_none();
        let is_required = is_demanded && !nullable;
        let presence = if is_required && side == Side::Output && self.may_be_missing(&simple) {
            Presence::Expected
        } else if is_required {
            Presence::Required
        } else if is_demanded && side == Side::Input && property.get("default").is_none() {
            Presence::RequiredOrNull
        } else if side == Side::Input && nullable && default.is_some() {
            // An explicit null means something only where the default is another value.
            Presence::Nullable
        } else {
            Presence::Optional
        };
        Field {
            name: names.field(wire),
            wire: wire.to_owned(),
            docs: docs::of_field(wire, property),
            facts,
            deprecated: self.deprecation(property),
            default: default.map(Value::to_string),
            stated: self.stated(wire, property),
            kind: simple,
            rules: if side == Side::Input { rules } else { Vec::new() },
            presence,
        }
    }

    fn property(&mut self, wire: &str, site: Site<'a, '_>) -> Shape {
        let Site { schema, side, .. } = site;
        if side == Side::Input && media::is_file(wire, schema) {
            if !self.spend_on_use(schema) {
                return json!({}).into();
            }
            let file = types::runtime(RuntimeType::FileInput);
            return match schema.get("items").filter(|_| schema.get("type").is_some_and(|kind| kind == "array")) {
                Some(items) => {
                    let (each, together) = file_limits::of_files(schema, schema);
                    let mut rules = rules::of_array(schema, [rules::of_string(items), each].concat());
                    rules.extend(together);
                    Shape { simple: json!({ "type": "array", "items": file }), rules }
                }
                None => {
                    let mut rules = rules::of_string(schema);
                    rules.extend(file_limits::of_file([schema]));
                    Shape { simple: file, rules }
                }
            };
        }
        let takes_files = side == Side::Input && media::takes_files(wire, schema);
        let mut shape = self.shape(Site { takes_files, ..site });
        // fal draws seeds up to 2^64. The input's type is the same, so that a seed can be passed back.
        if wire == "seed" && shape.simple == types::integer() {
            shape.simple = types::big_integer();
        }
        shape
    }

    /// Returns true if an output's field is an `Option` although the schema requires it.
    ///
    /// A number, a boolean, an enum or a union has no empty value to fall back on. An object has none either, but without
    /// it the result makes no sense.
    fn may_be_missing(&self, simple: &Simple) -> bool {
        match (simple.get("type").and_then(Value::as_str), reference(simple)) {
            (Some(kind), _) => matches!(kind, "integer" | "number" | "boolean"),
            (None, Some(name)) if name == types::I128 => true,
            (None, Some(name)) => !types::is_runtime(name) && !self.records.contains(name),
            (None, None) => true,
        }
    }
}

/// The names of a record's fields and setters.
struct FieldNames<'a> {
    fields: BTreeMap<&'a str, String>,
    scope: Scope,
}

impl<'a> FieldNames<'a> {
    /// A property that is a valid field name keeps its name, regardless of the others.
    fn new(properties: impl Iterator<Item = &'a str>) -> Self {
        let mut names = FieldNames { fields: BTreeMap::new(), scope: Scope::fields() };
        let (same, other): (Vec<&str>, Vec<&str>) = properties.partition(|wire| names::field(wire) == *wire);
        for wire in same.into_iter().chain(other) {
            names.fields.insert(wire, names.scope.take(&names::field(wire)));
        }
        names
    }

    fn field(&self, wire: &str) -> String {
        self.fields.get(wire).cloned().unwrap_or_default()
    }
}
