//! From the types of an endpoint to its fields.

use std::collections::BTreeMap;

use fal_documents::budget::Budget;
use serde_json::Value;

use super::{Field, Kind, Variant};
use crate::model::{self, Endpoint, Item, Number, Presence, Record, Rule, Type, Union};
use crate::words;

/// The most bytes of names, descriptions and values. Objects that share others may describe them millions of times.
const MAX_SIZE: usize = 8 << 20;

/// The size of a field without its texts.
const FIELD: usize = 256;

/// Objects and arrays nested deeper than this are not described.
const MAX_DEPTH: usize = 16;

pub(super) struct Fields<'a> {
    items: BTreeMap<&'a str, &'a Item>,
    budget: Budget,
    /// The types around the current field.
    around: Vec<&'a str>,
}

/// The contents of a type.
#[derive(Default)]
struct Contents {
    values: Vec<Value>,
    fields: Vec<Field>,
    variants: Vec<Variant>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(endpoint: &'a Endpoint) -> Self {
        let items = endpoint.items.iter().map(|item| (item.name(), item)).collect();
        Fields { items, budget: Budget::new(MAX_SIZE), around: Vec::new() }
    }

    /// Returns the fields of `Input` or `Output`.
    pub(super) fn of(&mut self, name: &str) -> Vec<Field> {
        match self.items.get(name) {
            Some(Item::Record(record)) => self.record(record, ""),
            _ => Vec::new(),
        }
    }

    fn record(&mut self, record: &'a Record, prefix: &str) -> Vec<Field> {
        record.fields.iter().map(|field| self.field(field, prefix)).collect()
    }

    fn field(&mut self, field: &'a model::Field, prefix: &str) -> Field {
        let model::Field { name, wire, deprecated, default, stated, kind, rules, presence, .. } = field;
        let path = format!("{prefix}{wire}");
        let Contents { mut values, fields, variants } = match kind.bare() {
            Type::Runtime("ImageSize") => Contents { fields: image_size(rules, &path), ..Contents::default() },
            of => self.contents(of, &path),
        };
        values.extend(stated.values.iter().cloned());
        Field {
            name: wire.clone(),
            rust_name: name.clone(),
            rust_type: kind.to_string(),
            kind: self.kind(kind, 0),
            required: matches!(presence, Presence::Required | Presence::RequiredOrNull | Presence::Expected),
            nullable: stated.is_nullable,
            default: default.as_ref().and_then(|default| serde_json::from_str(default).ok()),
            examples: stated.examples.clone(),
            values,
            range: stated.range.clone(),
            limits: stated.limits.clone(),
            description: stated.description.clone(),
            deprecated: deprecated.clone(),
            path,
            fields,
            variants,
        }
    }

    /// Returns the values, fields or variants of a type, or of the items of an array.
    fn contents(&mut self, of: &'a Type, path: &str) -> Contents {
        match of.bare() {
            Type::List(item) | Type::Map(item) => self.contents(item, &format!("{path}[]")),
            Type::Runtime("ImageSize") => Contents { fields: image_size(&[], path), ..Contents::default() },
            Type::Local(name) => self.local(name, path),
            _ => Contents::default(),
        }
    }

    fn local(&mut self, name: &'a str, path: &str) -> Contents {
        let item = self.items.get(name).copied();
        let size = item.map_or(0, size);
        if self.around.contains(&name) || self.around.len() >= MAX_DEPTH || !self.budget.spend(size) {
            return Contents::default();
        }
        self.around.push(name);
        let contents = match item {
            Some(Item::Record(record)) => {
                Contents { fields: self.record(record, &format!("{path}.")), ..Contents::default() }
            }
            Some(Item::Enum(of)) => {
                let values = of.values.iter().map(|(_, value)| Value::from(value.as_str())).collect();
                Contents { values, ..Contents::default() }
            }
            Some(Item::Union(union)) => self.union(union, path),
            Some(Item::FreeForm { .. }) | None => Contents::default(),
        };
        self.around.pop();
        contents
    }

    fn union(&mut self, union: &'a Union, path: &str) -> Contents {
        let variants: Vec<Variant> = union.members.iter().map(|member| self.variant(member, path)).collect();
        let values = variants.iter().flat_map(|variant| variant.values.iter().cloned()).collect();
        Contents { values, variants, fields: Vec::new() }
    }

    fn variant(&mut self, member: &'a model::Member, path: &str) -> Variant {
        let model::Member { name, rules, of, .. } = member;
        let Contents { mut values, fields, variants } = match of.bare() {
            Type::Runtime("ImageSize") => Contents { fields: image_size(rules, path), ..Contents::default() },
            of => self.contents(of, path),
        };
        values.extend(only(rules));
        Variant {
            name: name.clone(),
            rust_type: of.to_string(),
            kind: self.kind(of, 0),
            values,
            range: range(rules),
            limits: limits(rules),
            fields,
            variants,
        }
    }

    fn kind(&mut self, of: &Type, depth: usize) -> Kind {
        if depth > MAX_DEPTH || !self.budget.spend(1) {
            return Kind::Json;
        }
        match of.bare() {
            Type::Bool => Kind::Boolean,
            Type::I64 | Type::I128 => Kind::Integer,
            Type::F64 => Kind::Number,
            Type::String => Kind::String,
            Type::Runtime("ImageSize") => Kind::Object,
            Type::Runtime(_) => Kind::File,
            Type::List(item) => Kind::Array(Box::new(self.kind(item, depth + 1))),
            Type::Map(value) => Kind::Map(Box::new(self.kind(value, depth + 1))),
            Type::Local(name) => match self.items.get(name.as_str()).copied() {
                Some(Item::Record(_)) => Kind::Object,
                Some(Item::Enum(of)) if of.any_string => Kind::String,
                Some(Item::Enum(_)) => Kind::Enum,
                Some(Item::Union(union)) => {
                    let mut kinds = Vec::new();
                    for member in &union.members {
                        let kind = self.kind(&member.of, depth + 1);
                        if !kinds.contains(&kind) {
                            kinds.push(kind);
                        }
                    }
                    if kinds.len() == 1 { kinds.remove(0) } else { Kind::Union(kinds) }
                }
                Some(Item::FreeForm { .. }) | None => Kind::Json,
            },
            Type::Json | Type::Boxed(_) | Type::Option(_) | Type::Nullable(_) => Kind::Json,
        }
    }
}

/// Returns the size of the description of an item, without that of the types of its fields.
fn size(item: &Item) -> usize {
    match item {
        Item::Record(record) => record.fields.iter().map(|field| FIELD + field.stated.size()).sum(),
        Item::Enum(of) => of.values.iter().map(|(_, value)| FIELD + value.len()).sum(),
        Item::Union(union) => union.members.len() * FIELD,
        Item::FreeForm { .. } => 0,
    }
}

/// Returns the fields of a size of an image, whose rules are those of the field around it.
fn image_size(rules: &[Rule], path: &str) -> Vec<Field> {
    let side = |name: &str| {
        let part = rules.iter().find(|rule| matches!(rule, Rule::Part(part, _) if *part == name));
        let rules = part.map(Rule::inner).unwrap_or_default();
        Field {
            name: name.to_owned(),
            rust_name: name.to_owned(),
            path: format!("{path}.{name}"),
            rust_type: Type::Option(Box::new(Type::I64)).to_string(),
            kind: Kind::Integer,
            required: rules.contains(&Rule::Required),
            nullable: false,
            default: None,
            examples: Vec::new(),
            values: only(rules),
            range: range(rules),
            limits: limits(rules),
            description: String::new(),
            deprecated: None,
            fields: Vec::new(),
            variants: Vec::new(),
        }
    };
    ["width", "height"].map(side).into()
}

/// Returns the only values that rules allow, if they name them.
fn only(rules: &[Rule]) -> Vec<Value> {
    let number = |number: &Number| match number {
        Number::Int(int) => i64::try_from(*int).map_or_else(|_| Value::from(*int as f64), Value::from),
        Number::Float(float) => Value::from(*float),
    };
    let values = rules.iter().flat_map(|rule| match rule {
        Rule::OneOf(numbers) => numbers.iter().map(number).collect(),
        Rule::Only(only) => vec![Value::from(*only)],
        _ => Vec::new(),
    });
    values.collect()
}

fn range(rules: &[Rule]) -> Option<String> {
    let bound = |names: [&str; 2]| {
        let bounds = rules.iter().filter_map(|rule| match rule {
            Rule::Bound(name, bound) => Some((names.iter().position(|known| known == name)? == 1, bound.to_string())),
            _ => None,
        });
        bounds.min_by_key(|(is_exclusive, _)| *is_exclusive)
    };
    let (from, to) = (bound(["Minimum", "ExclusiveMinimum"]), bound(["Maximum", "ExclusiveMaximum"]));
    let range = words::range(
        from.as_ref().map(|(out, from)| (from.as_str(), *out)),
        to.as_ref().map(|(out, to)| (to.as_str(), *out)),
    );
    range.map(|range| words::phrase(&range))
}

/// Returns the requirements beyond a range as phrases.
fn limits(rules: &[Rule]) -> Vec<String> {
    let count = |wanted: &str| {
        rules.iter().find_map(|rule| match rule {
            Rule::Count(name, count) if *name == wanted => Some(*count),
            _ => None,
        })
    };
    let step = rules.iter().find_map(|rule| match rule {
        Rule::Bound("MultipleOf", step) => Some(words::multiple_of(&step.to_string())),
        _ => None,
    });
    let pattern = rules.iter().find_map(|rule| match rule {
        Rule::Pattern(pattern) => Some(words::pattern(pattern)),
        _ => None,
    });
    let unique = rules.contains(&Rule::UniqueItems).then(|| words::UNIQUE.to_owned());
    let length = words::length(count("MinLength").unwrap_or(0), count("MaxLength"));
    let items = words::items(count("MinItems").unwrap_or(0), count("MaxItems"));
    let facts = [step, length, pattern, items, unique].into_iter().flatten();
    facts.map(|fact| words::phrase(&fact)).collect()
}
