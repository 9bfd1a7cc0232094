//! What a new document changes for those who use the generated code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use crate::digest::digest;
use crate::document;
use crate::error::Error;
use crate::model::{Endpoint, Enum, Field, Item, Number, Record, Role, Rule, Setter, Type, Union};
use crate::source::Source;
use crate::{lower, normalize};

/// A difference between two versions of an endpoint's document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Change {
    /// The endpoint's id.
    pub endpoint: String,
    /// Where it is: `input.loras[].scale`; `input` or `output` for the whole.
    pub path: String,
    /// What has changed.
    pub of: Of,
    /// What it means for a program.
    pub effect: Effect,
}

/// What a change means for a program that uses the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A program may no longer compile, or an input that was valid is refused.
    Breaking,
    /// A program goes on as it is, and can do more.
    Additive,
    /// Only what is written about it changes. A default is in no request: the service has its new one anyway.
    Documentation,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Of {
    /// There is a new endpoint.
    EndpointAdded,
    /// The endpoint is gone.
    EndpointRemoved,
    /// There is a new field.
    FieldAdded {
        /// Whether an input must have it.
        required: bool,
    },
    /// The field is gone.
    FieldRemoved,
    /// An input must have the field now.
    BecameRequired,
    /// An input need not have the field any more.
    BecameOptional,
    /// The type is another.
    Type {
        /// The old one, as Rust.
        from: String,
        /// The new one, as Rust.
        to: String,
    },
    /// What is generated of it, a type, a field or a variant, is called otherwise.
    Name {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// A listed value is new.
    ValueAdded(String),
    /// A value is not listed any more.
    ValueRemoved(String),
    /// A union has a new form.
    FormAdded(String),
    /// A form of a union is gone.
    FormRemoved(String),
    /// `new` of a record takes the same required fields in another order.
    Order,
    /// A field of an input can be set to null now, which means something else than to leave it out; or cannot any more.
    Null {
        /// Whether it can.
        allowed: bool,
    },
    /// A bound is another, new or gone.
    Bound {
        /// `Maximum`, `MinLength`…
        rule: String,
        /// What it was.
        from: Option<String>,
        /// What it is.
        to: Option<String>,
    },
    /// The default is another, new or gone.
    Default {
        /// What it was, as JSON.
        from: Option<String>,
        /// What it is, as JSON.
        to: Option<String>,
    },
    /// The prose is another.
    Prose,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { endpoint, path, .. } = self;
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        match &self.of {
            Of::EndpointAdded => write!(f, "{endpoint}: a new endpoint"),
            Of::EndpointRemoved => write!(f, "{endpoint}: the endpoint is gone"),
            of => {
                write!(f, "{endpoint}: {path}: ")?;
                match of {
                    Of::FieldAdded { required: true } => write!(f, "a new field, which is required"),
                    Of::FieldAdded { required: false } => write!(f, "a new field"),
                    Of::FieldRemoved => write!(f, "the field is gone"),
                    Of::BecameRequired => write!(f, "the field is required now"),
                    Of::BecameOptional => write!(f, "the field is not required any more: it is an Option now"),
                    Of::Type { from, to } => write!(f, "the type was {from} and is {to}"),
                    Of::Name { from, to } => write!(f, "{from} is called {to} now"),
                    Of::ValueAdded(value) => write!(f, "a new value {value}"),
                    Of::ValueRemoved(value) => write!(f, "the value {value} is gone"),
                    Of::FormAdded(form) => write!(f, "a new form {form}"),
                    Of::FormRemoved(form) => write!(f, "the form {form} is gone"),
                    Of::Order => write!(f, "`new` takes its arguments in another order"),
                    Of::Null { allowed: true } => write!(f, "null can be sent: the field is Nullable now"),
                    Of::Null { allowed: false } => {
                        write!(f, "null cannot be sent any more: the field is not Nullable")
                    }
                    Of::Bound { rule, from, to } => write!(f, "{rule} was {} and is {}", or_none(from), or_none(to)),
                    Of::Default { from, to } => write!(f, "the default was {} and is {}", or_none(from), or_none(to)),
                    _ => write!(f, "other words"),
                }
            }
        }
    }
}

/// Compares two versions of a document, breaking changes first.
///
/// Each is the text of a file as [`Builder::schemas`](crate::Builder::schemas) takes it; endpoints are compared by their
/// ids.
///
/// ```
/// # fn main() -> Result<(), fal_codegen::Error> {
/// let old = r#"{"endpointId": "me/app", "input": {"properties": {"steps": {"type": "integer", "maximum": 50}}}, "output": {}}"#;
/// let new = old.replace("50", "30");
/// let changes = fal_codegen::changes(old, &new)?;
/// assert_eq!(changes[0].to_string(), "me/app: input.steps: Maximum was 50 and is 30");
/// assert_eq!(changes[0].effect, fal_codegen::Effect::Breaking);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// What is wrong with one of the documents; its file is called `old` or `new`.
pub fn changes(old: &str, new: &str) -> Result<Vec<Change>, Error> {
    let (old, new) = (endpoints("old", old)?, endpoints("new", new)?);
    let mut found = Vec::new();
    for (id, endpoint) in &old {
        let mut comparison = Comparison {
            id,
            old: items(endpoint),
            new: BTreeMap::new(),
            seen: BTreeSet::new(),
            reworded: BTreeSet::new(),
            found: &mut found,
        };
        match new.get(id) {
            None => comparison.add("", Of::EndpointRemoved, Effect::Breaking),
            Some(now) => {
                comparison.new = items(now);
                comparison.local("Input", "Input", "input", true);
                comparison.local("Output", "Output", "output", false);
            }
        }
    }
    for id in new.keys().filter(|id| !old.contains_key(*id)) {
        let (path, of, effect) = (String::new(), Of::EndpointAdded, Effect::Additive);
        found.push(Change { endpoint: id.clone(), path, of, effect });
    }
    found.sort_by(|a, b| (a.effect, &a.endpoint).cmp(&(b.effect, &b.endpoint)));
    Ok(found)
}

fn endpoints(name: &str, text: &str) -> Result<BTreeMap<String, Endpoint>, Error> {
    let (path, text) = (name.to_owned(), text.as_bytes().to_vec());
    let source = Source { file: PathBuf::from(name), path, digest: digest(&text), text, patch: None };
    let documents = document::read(&source).map_err(Error::new)?.documents;
    let lowered = documents.into_iter().map(|mut document| {
        normalize::normalize(&mut document);
        Ok((document.id.clone(), lower::lower(&document)?))
    });
    lowered.collect()
}

fn items(endpoint: &Endpoint) -> BTreeMap<&str, &Item> {
    endpoint.items.iter().map(|item| (item.name(), item)).collect()
}

struct Comparison<'a> {
    id: &'a str,
    old: BTreeMap<&'a str, &'a Item>,
    new: BTreeMap<&'a str, &'a Item>,
    /// The pairs of types that were compared.
    seen: BTreeSet<(&'a str, &'a str)>,
    /// The places of which other words were reported.
    reworded: BTreeSet<String>,
    found: &'a mut Vec<Change>,
}

impl<'a> Comparison<'a> {
    fn add(&mut self, path: &str, of: Of, effect: Effect) {
        self.found.push(Change { endpoint: self.id.to_owned(), path: path.to_owned(), of, effect });
    }

    fn local(&mut self, old: &str, new: &str, path: &str, input: bool) {
        let (Some((old_name, old)), Some((new_name, new))) = (self.old.get_key_value(old), self.new.get_key_value(new))
        else {
            return;
        };
        let (old_name, new_name, old, new) = (*old_name, *new_name, *old, *new);
        if !self.seen.insert((old_name, new_name)) {
            return;
        }
        match (old, new) {
            (Item::Record(old), Item::Record(new)) => self.record(old, new, path, input),
            (Item::Enum(old), Item::Enum(new)) => self.values(old, new, path),
            (Item::Union(old), Item::Union(new)) => self.forms(old, new, path, input),
            (Item::FreeForm { .. }, Item::FreeForm { .. }) => {}
            _ => {
                let (from, to) = (old.words(), new.words());
                return self.add(path, Of::Type { from, to }, Effect::Breaking);
            }
        }
        if old_name != new_name {
            let (from, to) = (old_name.to_owned(), new_name.to_owned());
            self.add(path, Of::Name { from, to }, Effect::Breaking);
        }
        if old.docs() != new.docs() {
            self.prose(path);
        }
    }

    fn record(&mut self, old: &'a Record, new: &'a Record, path: &str, input: bool) {
        let fields = |record: &'a Record| -> BTreeMap<&'a str, &'a Field> {
            record.fields.iter().map(|field| (field.wire.as_str(), field)).collect()
        };
        if new.role == Role::Part && is_reordered(old, new) {
            self.add(path, Of::Order, Effect::Breaking);
        }
        let (old, new) = (fields(old), fields(new));
        for (wire, field) in &old {
            let at = format!("{path}.{wire}");
            match new.get(wire) {
                Some(now) => self.field(field, now, &at, input),
                None => self.add(&at, Of::FieldRemoved, Effect::Breaking),
            }
        }
        for (wire, field) in new.iter().filter(|(wire, _)| !old.contains_key(*wire)) {
            let required = input && field.is_required();
            let effect = if required { Effect::Breaking } else { Effect::Additive };
            self.add(&format!("{path}.{wire}"), Of::FieldAdded { required }, effect);
        }
    }

    fn field(&mut self, old: &'a Field, new: &'a Field, path: &str, input: bool) {
        let (mut from, mut to) = (&old.kind, &new.kind);
        if old.name != new.name {
            let (from, to) = (old.name.clone(), new.name.clone());
            self.add(path, Of::Name { from, to }, Effect::Breaking);
        }
        if input {
            // The fields are public: a program that reads or sets one itself sees its type. A part's `new` takes what is
            // required, too, and nothing else.
            match (old.is_required(), new.is_required()) {
                (false, true) => self.add(path, Of::BecameRequired, Effect::Breaking),
                (true, false) => self.add(path, Of::BecameOptional, Effect::Breaking),
                _ => {}
            }
            match (takes_null(old), takes_null(new)) {
                (false, true) => self.add(path, Of::Null { allowed: true }, Effect::Breaking),
                (true, false) => self.add(path, Of::Null { allowed: false }, Effect::Breaking),
                _ => {}
            }
            // What is said above is not said again of the type.
            (from, to) = (from.bare(), to.bare());
        }
        self.types(from, to, path, input);
        self.rules([from, to], [&old.rules, &new.rules], path);
        if old.default != new.default {
            let (from, to) = (old.default.clone(), new.default.clone());
            self.add(path, Of::Default { from, to }, Effect::Documentation);
        }
        // An output is not checked: its bounds are no more than words.
        if old.docs != new.docs || (!input && old.facts != new.facts && old.default == new.default) {
            self.prose(path);
        }
    }

    /// Says once of a place that what is written about it is different: a field and its type may have the same words.
    fn prose(&mut self, path: &str) {
        if self.reworded.insert(path.to_owned()) {
            self.add(path, Of::Prose, Effect::Documentation);
        }
    }

    fn types(&mut self, old: &'a Type, new: &'a Type, path: &str, input: bool) {
        match (old, new) {
            (Type::Local(old), Type::Local(new)) => self.local(old, new, path, input),
            (Type::List(old), Type::List(new)) | (Type::Map(old), Type::Map(new)) => {
                self.types(old, new, &format!("{path}[]"), input);
            }
            (Type::Option(old), Type::Option(new))
            | (Type::Boxed(old), Type::Boxed(new))
            | (Type::Nullable(old), Type::Nullable(new)) => self.types(old, new, path, input),
            (old, new) if old == new => {}
            (old, new) => {
                let (from, to) = (old.to_string(), new.to_string());
                self.add(path, Of::Type { from, to }, Effect::Breaking);
            }
        }
    }

    fn values(&mut self, old: &Enum, new: &Enum, path: &str) {
        let texts = |of: &Enum| of.values.iter().map(|(_, text)| format!("{text:?}")).collect::<Vec<_>>();
        self.listed(&texts(old), &texts(new), path);
        match (old.any_text, new.any_text) {
            (true, false) => self.add(path, Of::FormRemoved("any text".to_owned()), Effect::Breaking),
            (false, true) => self.add(path, Of::FormAdded("any text".to_owned()), Effect::Additive),
            _ => {}
        }
        let names: BTreeMap<&String, &String> = new.values.iter().map(|(name, text)| (text, name)).collect();
        for (name, text) in &old.values {
            if let Some(now) = names.get(text).filter(|now| **now != name) {
                let (from, to) = (name.clone(), (*now).clone());
                self.add(path, Of::Name { from, to }, Effect::Breaking);
            }
        }
    }

    fn listed(&mut self, old: &[String], new: &[String], path: &str) {
        for value in old.iter().filter(|value| !new.contains(value)) {
            self.add(path, Of::ValueRemoved(value.clone()), Effect::Breaking);
        }
        for value in new.iter().filter(|value| !old.contains(value)) {
            self.add(path, Of::ValueAdded(value.clone()), Effect::Additive);
        }
    }

    fn forms(&mut self, old: &'a Union, new: &'a Union, path: &str, input: bool) {
        for form in &old.members {
            match new.members.iter().find(|now| now.name == form.name) {
                None => self.add(path, Of::FormRemoved(form.name.clone()), Effect::Breaking),
                Some(now) => {
                    self.types(&form.of, &now.of, path, input);
                    self.rules([&form.of, &now.of], [&form.rules, &now.rules], path);
                }
            }
        }
        for form in new.members.iter().filter(|form| !old.members.iter().any(|old| old.name == form.name)) {
            self.add(path, Of::FormAdded(form.name.clone()), Effect::Additive);
        }
    }

    /// Compares what is demanded of a value. A value of another kind has other bounds altogether, which say no more than
    /// the change of its type does.
    fn rules(&mut self, types: [&Type; 2], rules: [&[Rule]; 2], path: &str) {
        let [old_type, new_type] = types.map(Type::bare);
        if !old_type.is_bounded_like(new_type) {
            return;
        }
        let names: BTreeSet<&str> = rules.iter().copied().flatten().map(Rule::name).collect();
        for name in names {
            let [old, new] = rules.map(|rules| rules.iter().find(|rule| rule.name() == name));
            match (old, new) {
                (old, new) if old == new => {}
                (Some(Rule::OneOf(old)), Some(Rule::OneOf(new))) => {
                    let texts = |numbers: &[Number]| numbers.iter().map(Number::to_string).collect::<Vec<_>>();
                    self.listed(&texts(old), &texts(new), path);
                }
                (Some(Rule::Items(_)), _) | (_, Some(Rule::Items(_))) => {
                    let rules = [old, new].map(|rule| rule.map_or(&[][..], Rule::inner));
                    self.rules([old_type.item(), new_type.item()], rules, &format!("{path}[]"));
                }
                (Some(Rule::Width(_) | Rule::Height(_)), _) | (_, Some(Rule::Width(_) | Rule::Height(_))) => {
                    let rules = [old, new].map(|rule| rule.map_or(&[][..], Rule::inner));
                    self.rules([&Type::I64; 2], rules, &format!("{path}.{}", name.to_lowercase()));
                }
                (old, new) => {
                    let effect = if is_looser(old, new) { Effect::Additive } else { Effect::Breaking };
                    let text = |rule: Option<&Rule>| rule.map(Rule::value);
                    self.add(path, Of::Bound { rule: name.to_owned(), from: text(old), to: text(new) }, effect);
                }
            }
        }
    }
}

/// Whether a bound allows all that the old one of its name did.
fn is_looser(old: Option<&Rule>, new: Option<&Rule>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new.allows_all_of(old),
        (None, Some(Rule::Count(name, 0))) => name.starts_with("Min"),
        (_, new) => new.is_none(),
    }
}

fn takes_null(field: &Field) -> bool {
    matches!(field.setter, Setter::Maybe { null: Some(_), .. })
}

/// Whether a record's required fields are the same ones in another order.
fn is_reordered(old: &Record, new: &Record) -> bool {
    let required = |record: &Record| -> Vec<String> {
        record.fields.iter().filter(|field| field.is_required()).map(|field| field.wire.clone()).collect()
    };
    let (mut old, mut new) = (required(old), required(new));
    let same = old == new;
    old.sort();
    new.sort();
    !same && old == new
}

impl Item {
    fn docs(&self) -> &[String] {
        match self {
            Item::Record(Record { docs, .. }) | Item::Enum(Enum { docs, .. }) | Item::Union(Union { docs, .. }) => docs,
            Item::FreeForm { docs, .. } => docs,
        }
    }

    fn words(&self) -> String {
        match self {
            Item::Record(record) => format!("the record {}", record.name),
            Item::Enum(item) => format!("the enum {}", item.name),
            Item::Union(union) => format!("the union {}", union.name),
            Item::FreeForm { .. } => "free-form".to_owned(),
        }
    }
}

impl Type {
    /// Without what a setter does not show.
    fn bare(&self) -> &Type {
        match self {
            Type::Option(inner) | Type::Nullable(inner) | Type::Boxed(inner) => inner.bare(),
            other => other,
        }
    }

    /// What a list or map holds.
    fn item(&self) -> &Type {
        match self {
            Type::List(item) | Type::Map(item) => item,
            other => other,
        }
    }

    /// Whether a bound means the same for a value of the other type.
    fn is_bounded_like(&self, other: &Type) -> bool {
        use std::mem::discriminant;

        let is_number = |of: &Type| matches!(of, Type::I64 | Type::I128 | Type::F64);
        let is_text = |of: &Type| matches!(of, Type::String | Type::Runtime("FileInput"));
        match (self, other) {
            (Type::Runtime(old), Type::Runtime(new)) => old == new,
            (old, new) if is_number(old) || is_text(old) => {
                is_number(old) == is_number(new) && is_text(old) == is_text(new)
            }
            (old, new) => discriminant(old) == discriminant(new),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("bool"),
            Type::I64 => f.write_str("i64"),
            Type::I128 => f.write_str("i128"),
            Type::F64 => f.write_str("f64"),
            Type::String => f.write_str("String"),
            Type::Json => f.write_str("Value"),
            Type::Runtime(name) => write!(f, "fal_client::{name}"),
            Type::Local(name) => f.write_str(name),
            Type::List(inner) => write!(f, "Vec<{inner}>"),
            Type::Map(inner) => write!(f, "BTreeMap<String, {inner}>"),
            Type::Boxed(inner) => write!(f, "Box<{inner}>"),
            Type::Option(inner) => write!(f, "Option<{inner}>"),
            Type::Nullable(inner) => write!(f, "Nullable<{inner}>"),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(value) => value.fmt(f),
            Number::Float(value) => value.fmt(f),
        }
    }
}

impl Number {
    fn to_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }
}

impl Rule {
    fn name(&self) -> &'static str {
        match self {
            Rule::Bound(name, _) | Rule::Count(name, _) => name,
            Rule::OneOf(_) => "OneOf",
            Rule::Only(_) => "Only",
            Rule::Pattern(_) => "Pattern",
            Rule::UniqueItems => "UniqueItems",
            Rule::Items(_) => "Items",
            Rule::Width(_) => "Width",
            Rule::Height(_) => "Height",
        }
    }

    fn value(&self) -> String {
        match self {
            Rule::Bound(_, bound) => bound.to_string(),
            Rule::Count(_, count) => count.to_string(),
            Rule::OneOf(numbers) => numbers.iter().map(Number::to_string).collect::<Vec<_>>().join(", "),
            Rule::Only(only) => only.to_string(),
            Rule::Pattern(pattern) => pattern.clone(),
            Rule::UniqueItems => "true".to_owned(),
            Rule::Items(rules) | Rule::Width(rules) | Rule::Height(rules) => {
                rules.iter().map(|rule| format!("{} {}", rule.name(), rule.value())).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// The rules for what is in the value.
    fn inner(&self) -> &[Rule] {
        match self {
            Rule::Items(rules) | Rule::Width(rules) | Rule::Height(rules) => rules,
            _ => &[],
        }
    }

    /// Whether what another rule of its name allows is allowed.
    fn allows_all_of(&self, other: &Rule) -> bool {
        match (self, other) {
            (Rule::Bound(name, new), Rule::Bound(_, old)) => match *name {
                "Minimum" | "ExclusiveMinimum" => new.to_f64() <= old.to_f64(),
                "Maximum" | "ExclusiveMaximum" => new.to_f64() >= old.to_f64(),
                _ => old.to_f64() % new.to_f64() == 0.0,
            },
            (Rule::Count(name, new), Rule::Count(_, old)) => {
                if name.starts_with("Min") {
                    new <= old
                } else {
                    new >= old
                }
            }
            (new, old) => new == old,
        }
    }
}
