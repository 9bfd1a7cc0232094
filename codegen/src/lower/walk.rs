//! The descent into a schema.

use std::collections::{BTreeMap, BTreeSet};

use fal_documents::Document;
use fal_documents::budget::{self, Budget};
use serde_json::{Value, json};

use super::draft::{Draft, Note, Shape};
use super::{docs, file_limits, media, rules};
use crate::budget::MAX_PARTS;
use crate::model::{Enum, Item, Role, Rule, Side};
use crate::names::{self, Scope};
use crate::schema::{
    MAX_VALUES, MISSING, NULLABLE, TOO_MANY_VALUES, enum_values, is_beyond_i64, properties, reference, strings,
};
use crate::types::{self, RuntimeType, Simple};
use crate::{refusals, words};

/// Records, arrays and unions nested deeper than this become free-form.
pub(super) const MAX_DEPTH: usize = 16;

/// The share of a pattern in the budget of parts. A pattern is compiled.
const PATTERN: usize = 100;

/// The part of a schema's size that counts as one part where the schema is read again.
const SIZE_OF_PART: usize = 64;

/// A schema and where it appears.
#[derive(Clone, Copy)]
pub(super) struct Site<'a, 's> {
    pub(super) schema: &'a Value,
    /// The path that the report names, such as `Input.loras`.
    pub(super) at: &'s str,
    /// The name for the schema's type, if it needs one.
    pub(super) wanted: &'s str,
    /// The record around it. It qualifies `wanted` where that name is taken.
    pub(super) owner: &'s str,
    pub(super) side: Side,
    /// True if the schema is about the items of an array, or the values of a map, at the path.
    pub(super) is_item: bool,
    /// True if strings in this union are URLs of files.
    pub(super) takes_files: bool,
}

impl<'a> Site<'a, '_> {
    /// Returns the name of the property at the site, or of the property around an item.
    pub(super) fn property(&self) -> &str {
        self.at.rsplit_once('.').map_or(self.at, |(_, property)| property)
    }

    /// Returns the site of a member of this union.
    pub(super) fn member(self, schema: &'a Value) -> Self {
        Site { schema, takes_files: false, ..self }
    }
}

/// The state of a document's descent.
pub(super) struct Walk<'a> {
    pub(super) document: &'a Document,
    pub(super) scope: Scope,
    /// The shape of each component; `None` while the component is being lowered.
    components: BTreeMap<&'a str, Option<Shape>>,
    /// The number of schemas around the current one.
    depth: usize,
    budget: Budget,
    has_exceeded: bool,
    /// The names of the records among the drafts.
    pub(super) records: BTreeSet<String>,
    pub(super) drafts: Vec<Draft>,
    pub(super) notes: Vec<Note>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Walk {
            document,
            scope: Scope::types(),
            components: BTreeMap::new(),
            depth: 0,
            budget: Budget::new(MAX_PARTS),
            has_exceeded: false,
            records: BTreeSet::new(),
            drafts: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Returns true if the document has more parts than it may. The walk is incomplete then.
    pub(super) fn has_exceeded(&self) -> bool {
        self.has_exceeded
    }

    fn spend(&mut self, parts: usize) -> bool {
        self.has_exceeded |= !self.budget.spend(parts);
        !self.has_exceeded
    }

    /// Accounts for a schema that is read at each of its uses.
    pub(super) fn spend_on_use(&mut self, schema: &Value) -> bool {
        let pattern = if schema.get("pattern").is_some() { PATTERN } else { 0 };
        self.spend(pattern + budget::size(schema).div_ceil(SIZE_OF_PART))
    }

    pub(super) fn note(&mut self, at: &str, text: impl Into<String>) {
        let note = Note { at: at.to_owned(), text: text.into() };
        if self.notes.last() != Some(&note) {
            self.notes.push(note);
        }
    }

    /// Notes the components that a merged schema refers to and the document does not have.
    pub(super) fn note_missing(&mut self, at: &str, schema: &Value) {
        for component in strings(schema.get(MISSING)) {
            self.note(at, refusals::missing_part(component));
        }
    }

    /// Notes that the enum of a string has too many values.
    pub(super) fn note_too_many_values(&mut self, at: &str, schema: &Value) {
        if let Some(values) = schema.get(TOO_MANY_VALUES).and_then(Value::as_u64) {
            self.note(at, refusals::too_many_values(values as usize));
        }
    }

    /// Follows references to the schema itself.
    pub(super) fn resolve(&self, schema: &'a Value) -> Option<&'a Value> {
        let mut schema = schema;
        for _ in 0..=MAX_DEPTH {
            match reference(schema) {
                Some(component) => schema = self.document.components.get(component)?,
                None => return Some(schema),
            }
        }
        reference(schema).is_none().then_some(schema)
    }

    /// Returns true if null is a value of a property, according to the property or its component.
    pub(super) fn is_nullable(&self, schema: &'a Value) -> bool {
        let allows_null = |schema: &Value| schema.get(NULLABLE) == Some(&Value::Bool(true));
        allows_null(schema) || self.resolve(schema).is_some_and(allows_null)
    }

    pub(super) fn free_form(&mut self, at: &str, why: &str) -> Shape {
        self.note(at, refusals::untyped_json(why));
        json!({}).into()
    }

    /// Lowers a schema.
    pub(super) fn shape(&mut self, site: Site<'a, '_>) -> Shape {
        let values = enum_values(site.schema).map_or(0, <[Value]>::len);
        let pattern = if site.schema.get("pattern").is_some() { PATTERN } else { 0 };
        if !self.spend(1 + values + pattern) {
            return json!({}).into();
        }
        if self.depth >= MAX_DEPTH {
            return self.free_form(site.at, refusals::TOO_DEEP);
        }
        self.depth += 1;
        self.note_missing(site.at, site.schema);
        let shape = self.nested(site);
        self.depth -= 1;
        // A record has notes of its own.
        if site.side == Side::Input && properties(site.schema).is_none() {
            rules::unchecked(site.schema).into_iter().for_each(|text| self.note(site.at, text));
        }
        shape
    }

    fn nested(&mut self, site: Site<'a, '_>) -> Shape {
        let Site { schema, at, wanted, side, .. } = site;
        if let Some(component) = reference(schema) {
            return self.component(component, site);
        }
        if let Some(Value::Array(members)) = schema.get("anyOf") {
            return self.union(members, site);
        }
        let values = enum_values(schema);
        let shape = |simple: Simple, rules: Vec<Rule>| Shape { simple, rules };
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => match values {
                Some(values) => self.enumeration(values, false, site),
                None => {
                    self.note_too_many_values(at, schema);
                    shape(json!({ "type": "string" }), rules::of_string(schema))
                }
            },
            Some("boolean") => shape(json!({ "type": "boolean" }), rules::of_boolean(schema)),
            Some("number") => shape(json!({ "type": "number" }), rules::of_number(schema)),
            Some("integer") => {
                let simple = if is_beyond_i64(schema) { types::big_integer() } else { types::integer() };
                shape(simple, rules::of_number(schema))
            }
            Some("array") => {
                let items = match schema.get("items") {
                    Some(items @ Value::Object(_)) => {
                        self.item(Site { schema: items, wanted: &names::singular(wanted), is_item: true, ..site })
                    }
                    _ => self.free_form(at, refusals::NO_ITEM_TYPE),
                };
                shape(json!({ "type": "array", "items": items.simple }), rules::of_array(schema, items.rules))
            }
            Some("object") => match schema.get("additionalProperties") {
                _ if properties(schema).is_some() => {
                    if let Some(shape) = self.shared(None, schema, site) {
                        return shape;
                    }
                    let name = self.type_name(wanted, site.owner);
                    self.record(&name, role_of(side), schema, &words::value_of(at, site.is_item));
                    types::local(&name).into()
                }
                Some(values @ Value::Object(_)) => {
                    let values = self.item(Site { schema: values, is_item: true, ..site });
                    let rules = rules::of_items(values.rules).into_iter().collect();
                    shape(json!({ "type": "object", "additionalProperties": values.simple }), rules)
                }
                _ => json!({ "type": "object", "additionalProperties": true }).into(),
            },
            _ if values.is_some() => self.free_form(at, refusals::OTHER_ENUM),
            Some("null") | None => self.free_form(at, refusals::NO_TYPE),
            Some(_) => self.free_form(at, refusals::UNKNOWN_TYPE),
        }
    }

    /// Returns a free name for a type. If the wanted one is taken or reserved, the record around the type qualifies it.
    pub(super) fn type_name(&mut self, wanted: &str, owner: &str) -> String {
        self.scope.take_either(wanted, &format!("{owner}{wanted}"))
    }

    /// Lowers an item of an array or a value of a map, which may be null.
    fn item(&mut self, site: Site<'a, '_>) -> Shape {
        let mut item = self.shape(site);
        if self.is_nullable(site.schema) && !is_free(&item.simple) {
            item.simple = json!({ "oneOf": [item.simple, { "type": "null" }] });
        }
        item
    }

    fn component(&mut self, component: &'a str, site: Site<'a, '_>) -> Shape {
        let mut shape = match self.components.get(component) {
            Some(Some(shape)) if is_free(&shape.simple) => {
                return self.free_form(site.at, &refusals::free_form_component(component));
            }
            Some(Some(shape)) => {
                let (shape, parts) = (shape.clone(), shape.rules.iter().map(Rule::parts).sum());
                if !self.spend(parts) {
                    return json!({}).into();
                }
                shape
            }
            Some(None) => return self.free_form(site.at, refusals::SELF_REFERENCE),
            None => self.new_component(component, site),
        };
        // Bounds may appear next to the reference.
        shape.rules.extend(match shape.simple.get("type").and_then(Value::as_str) {
            Some("integer" | "number") => rules::of_number(site.schema),
            Some("string") => rules::of_string(site.schema),
            Some("array") => rules::of_array(site.schema, Vec::new()),
            _ => Vec::new(),
        });
        if shape.simple == types::runtime(RuntimeType::ImageSize) {
            self.limit_image_size(&mut shape.rules, site.schema, site);
        }
        shape
    }

    fn new_component(&mut self, component: &'a str, site: Site<'a, '_>) -> Shape {
        let Some(schema) = self.document.components.get(component) else {
            return self.free_form(site.at, &refusals::missing_component(component));
        };
        let fields = properties(schema).filter(|_| schema.get("anyOf").is_none());
        if let Some(shape) = fields.and_then(|_| self.shared(Some(component), schema, site)) {
            return shape;
        }
        let wanted = names::component(component);
        if fields.is_some() {
            // Registered before its fields are lowered, because a record may contain itself.
            let name = self.type_name(&wanted, site.owner);
            self.components.insert(component, Some(types::local(&name).into()));
            self.record(&name, role_of(site.side), schema, &words::value_of(site.at, site.is_item));
            return types::local(&name).into();
        }
        self.components.insert(component, None);
        let shape = self.shape(Site { schema, wanted: &wanted, takes_files: false, ..site });
        self.components.insert(component, Some(shape.clone()));
        shape
    }

    /// Returns the shape of an object that is a type of the runtime.
    fn shared(&mut self, component: Option<&str>, schema: &Value, site: Site<'a, '_>) -> Option<Shape> {
        let shared = media::shared(component, site.property(), properties(schema)?, site.side)?;
        let mut rules = Vec::new();
        if shared == RuntimeType::ImageSize {
            rules.extend(rules::of_image_size(schema));
            self.limit_image_size(&mut rules, schema, site);
        }
        Some(Shape { simple: types::runtime(shared), rules })
    }

    /// Adds the limits of a schema to the rules of an image size.
    pub(super) fn limit_image_size(&mut self, rules: &mut Vec<Rule>, schema: &Value, site: Site<'a, '_>) {
        let notes = file_limits::add_to_image_size(rules, schema);
        if site.side == Side::Input {
            notes.into_iter().for_each(|text| self.note(site.at, text));
        }
    }

    /// Lowers the values of an enum. The site's schema documents it.
    pub(super) fn enumeration<'v>(
        &mut self,
        values: impl IntoIterator<Item = &'v Value>,
        any_string: bool,
        site: Site<'a, '_>,
    ) -> Shape {
        let mut known = BTreeSet::new();
        let values: Vec<&str> =
            values.into_iter().filter_map(Value::as_str).filter(|value| known.insert(*value)).collect();
        if values.is_empty() {
            return json!({ "type": "string" }).into();
        }
        if values.len() > MAX_VALUES {
            self.note(site.at, refusals::too_many_values(values.len()));
            return json!({ "type": "string" }).into();
        }
        let name = self.type_name(site.wanted, site.owner);
        let mut scope = Scope::variants();
        let values = values.into_iter().map(|value| (scope.take(&names::variant(value)), value.to_owned())).collect();
        let docs = docs::of_schema(site.schema, &words::value_of(site.at, site.is_item));
        self.drafts.push(Item::Enum(Enum { name: name.clone(), docs, values, any_string }));
        types::local(&name).into()
    }
}

/// Returns the role of a record inside the input or the output.
fn role_of(side: Side) -> Role {
    match side {
        Side::Input => Role::Part,
        Side::Output => Role::Output,
    }
}

fn is_free(simple: &Simple) -> bool {
    simple.as_object().is_some_and(serde_json::Map::is_empty)
}
