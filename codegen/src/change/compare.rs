use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fal_documents::budget::MAX_DEPTH;
use fal_documents::{Document, Source};

use super::{Change, ChangeKind, Effect};
use crate::error::Error;
use crate::model::{Endpoint, Enum, Field, Item, Number, Presence, Record, Rule, Type, Union};
use crate::{lower, normalize};

/// Compares two versions of a document. Breaking changes come first.
///
/// Each is the text of a file in any of the forms that [`Builder::schemas`](crate::Builder::schemas) accepts. Endpoints are
/// matched by id.
///
/// ```
/// # fn main() -> Result<(), fal_codegen::Error> {
/// let old = r#"{"endpointId": "me/app", "input": {"properties": {"steps": {"type": "integer", "maximum": 50}}}, "output": {}}"#;
/// let new = old.replace("50", "30");
/// let changes = fal_codegen::changes(old, &new)?;
/// assert_eq!(changes[0].to_string(), "me/app: input.steps: Maximum changed from 50 to 30");
/// assert_eq!(changes[0].effect, fal_codegen::Effect::Breaking);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Fails if one of the documents is invalid. Findings name its file `old` or `new`.
pub fn changes(old: &str, new: &str) -> Result<Vec<Change>, Error> {
    compare(&documents("old", old)?, &documents("new", new)?)
}

/// Compares two versions of documents that are parsed already. Breaking changes come first.
///
/// ```no_run
/// # fn run(old: Vec<fal_documents::Document>, new: Vec<fal_documents::Document>) -> Result<(), fal_codegen::Error> {
/// let changes = fal_codegen::compare(&old, &new)?;
/// let breaking = changes.iter().filter(|change| change.effect == fal_codegen::Effect::Breaking);
/// breaking.for_each(|change| println!("{change}"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Fails if one of the documents has schemas that the generator refuses.
pub fn compare(old: &[Document], new: &[Document]) -> Result<Vec<Change>, Error> {
    let (old, new) = (endpoints(old)?, endpoints(new)?);
    let mut found = Vec::new();
    for (id, endpoint) in &old {
        let mut comparison = Comparison {
            id,
            old: items(endpoint),
            new: BTreeMap::new(),
            seen: BTreeSet::new(),
            depth: 0,
            reworded: BTreeSet::new(),
            found: &mut found,
        };
        match new.get(id) {
            None => comparison.add("", ChangeKind::EndpointRemoved, Effect::Breaking),
            Some(now) => {
                comparison.new = items(now);
                comparison.local("Input", "Input", "input", true);
                comparison.local("Output", "Output", "output", false);
            }
        }
    }
    for id in new.keys().filter(|id| !old.contains_key(*id)) {
        let (path, kind, effect) = (String::new(), ChangeKind::EndpointAdded, Effect::Additive);
        found.push(Change { endpoint: id.clone(), path, kind, effect });
    }
    found.sort_by(|a, b| (a.effect, &a.endpoint).cmp(&(b.effect, &b.endpoint)));
    Ok(found)
}

fn documents(name: &str, text: &str) -> Result<Vec<Document>, Error> {
    let (path, text) = (name.to_owned(), text.as_bytes().to_vec());
    let source = Source { file: PathBuf::from(name), path, text, patch: None };
    Ok(fal_documents::parse(&source).map_err(Error::new)?.documents)
}

fn endpoints(documents: &[Document]) -> Result<BTreeMap<String, Endpoint>, Error> {
    let lowered = documents.iter().cloned().map(|mut document| {
        normalize::normalize(&mut document)?;
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
    /// The pairs of types that were compared already.
    seen: BTreeSet<(&'a str, &'a str)>,
    /// The number of types around the current one.
    depth: usize,
    /// The paths whose documentation is known to have changed.
    reworded: BTreeSet<String>,
    found: &'a mut Vec<Change>,
}

impl<'a> Comparison<'a> {
    fn add(&mut self, path: &str, kind: ChangeKind, effect: Effect) {
        self.found.push(Change { endpoint: self.id.to_owned(), path: path.to_owned(), kind, effect });
    }

    fn local(&mut self, old: &str, new: &str, path: &str, input: bool) {
        let (Some((old_name, old)), Some((new_name, new))) = (self.old.get_key_value(old), self.new.get_key_value(new))
        else {
            return;
        };
        let (old_name, new_name, old, new) = (*old_name, *new_name, *old, *new);
        // Deeper types are compared where another path leads to them.
        if self.depth >= MAX_DEPTH || !self.seen.insert((old_name, new_name)) {
            return;
        }
        self.depth += 1;
        self.items(old, new, path, input);
        self.depth -= 1;
        if old_name != new_name && !is_other_kind(old, new) {
            let (from, to) = (old_name.to_owned(), new_name.to_owned());
            self.add(path, ChangeKind::Name { from, to }, Effect::Breaking);
        }
        if old.docs() != new.docs() && !is_other_kind(old, new) {
            self.prose(path);
        }
    }

    fn items(&mut self, old: &'a Item, new: &'a Item, path: &str, input: bool) {
        match (old, new) {
            (Item::Record(old), Item::Record(new)) => self.record(old, new, path, input),
            (Item::Enum(old), Item::Enum(new)) => self.values(old, new, path),
            (Item::Union(old), Item::Union(new)) => self.variants(old, new, path, input),
            (Item::FreeForm { .. }, Item::FreeForm { .. }) => {}
            _ => {
                let (from, to) = (kind_of(old), kind_of(new));
                self.add(path, ChangeKind::Type { from, to }, Effect::Breaking);
            }
        }
    }

    fn record(&mut self, old: &'a Record, new: &'a Record, path: &str, input: bool) {
        let fields = |record: &'a Record| -> BTreeMap<&'a str, &'a Field> {
            record.fields.iter().map(|field| (field.wire.as_str(), field)).collect()
        };
        let (old, new) = (fields(old), fields(new));
        for (wire, field) in &old {
            let at = format!("{path}.{wire}");
            match new.get(wire) {
                Some(now) => self.field(field, now, &at, input),
                None => self.add(&at, ChangeKind::FieldRemoved, Effect::Breaking),
            }
        }
        for (wire, field) in new.iter().filter(|(wire, _)| !old.contains_key(*wire)) {
            let required = input && field.is_required();
            let effect = if required { Effect::Breaking } else { Effect::Additive };
            self.add(&format!("{path}.{wire}"), ChangeKind::FieldAdded { required }, effect);
        }
    }

    fn field(&mut self, old: &'a Field, new: &'a Field, path: &str, input: bool) {
        let (mut from, mut to) = (&old.kind, &new.kind);
        if old.name != new.name {
            let (from, to) = (old.name.clone(), new.name.clone());
            self.add(path, ChangeKind::Name { from, to }, Effect::Breaking);
        }
        if input {
            // Breaking both ways: fields are public, so programs see their types, and `new` and `build` depend on the required ones.
            match (old.is_required(), new.is_required()) {
                (false, true) => self.add(path, ChangeKind::BecameRequired, Effect::Breaking),
                (true, false) => self.add(path, ChangeKind::BecameOptional, Effect::Breaking),
                _ => {}
            }
            match (takes_null(old), takes_null(new)) {
                (false, true) => self.add(path, ChangeKind::Null { allowed: true }, Effect::Breaking),
                (true, false) => self.add(path, ChangeKind::Null { allowed: false }, Effect::Breaking),
                _ => {}
            }
            // `Option` and `Nullable` are reported above.
            (from, to) = (from.bare(), to.bare());
        }
        self.types(from, to, path, input);
        self.rules([from, to], [&old.rules, &new.rules], path);
        if old.default != new.default {
            let (from, to) = (old.default.clone(), new.default.clone());
            self.add(path, ChangeKind::Default { from, to }, Effect::Documentation);
        }
        // Outputs are not checked, so their bounds are documentation.
        if old.docs != new.docs || (!input && old.facts != new.facts && old.default == new.default) {
            self.prose(path);
        }
    }

    /// Reports changed documentation once a path: a field and its type may have the same.
    fn prose(&mut self, path: &str) {
        if self.reworded.insert(path.to_owned()) {
            self.add(path, ChangeKind::Prose, Effect::Documentation);
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
                self.add(path, ChangeKind::Type { from, to }, Effect::Breaking);
            }
        }
    }

    fn values(&mut self, old: &Enum, new: &Enum, path: &str) {
        let texts = |of: &Enum| of.values.iter().map(|(_, text)| format!("{text:?}")).collect::<Vec<_>>();
        self.declared(&texts(old), &texts(new), path);
        match (old.any_string, new.any_string) {
            (true, false) => self.add(path, ChangeKind::VariantRemoved("any string".to_owned()), Effect::Breaking),
            (false, true) => self.add(path, ChangeKind::VariantAdded("any string".to_owned()), Effect::Additive),
            _ => {}
        }
        let names: BTreeMap<&String, &String> = new.values.iter().map(|(name, text)| (text, name)).collect();
        for (name, text) in &old.values {
            if let Some(now) = names.get(text).filter(|now| **now != name) {
                let (from, to) = (name.clone(), (*now).clone());
                self.add(path, ChangeKind::Name { from, to }, Effect::Breaking);
            }
        }
    }

    fn declared(&mut self, old: &[String], new: &[String], path: &str) {
        let [known, now] = [old, new].map(|values| values.iter().collect::<BTreeSet<&String>>());
        for value in old.iter().filter(|value| !now.contains(value)) {
            self.add(path, ChangeKind::ValueRemoved(value.clone()), Effect::Breaking);
        }
        for value in new.iter().filter(|value| !known.contains(value)) {
            self.add(path, ChangeKind::ValueAdded(value.clone()), Effect::Additive);
        }
    }

    fn variants(&mut self, old: &'a Union, new: &'a Union, path: &str, input: bool) {
        for variant in &old.members {
            match new.members.iter().find(|now| now.name == variant.name) {
                None => self.add(path, ChangeKind::VariantRemoved(variant.name.clone()), Effect::Breaking),
                Some(now) => {
                    self.types(&variant.of, &now.of, path, input);
                    self.rules([&variant.of, &now.of], [&variant.rules, &now.rules], path);
                }
            }
        }
        for variant in new.members.iter().filter(|variant| !old.members.iter().any(|old| old.name == variant.name)) {
            self.add(path, ChangeKind::VariantAdded(variant.name.clone()), Effect::Additive);
        }
    }

    /// Compares the rules for a value. If its type changed, so did all its rules, and the type's change is enough.
    fn rules(&mut self, types: [&Type; 2], rules: [&[Rule]; 2], path: &str) {
        let [old_type, new_type] = types.map(Type::bare);
        if !old_type.is_bounded_like(new_type) {
            return;
        }
        // A default and examples are accepted in any case, and reported where they change.
        let compared = rules.iter().copied().flatten().filter(|rule| !matches!(rule, Rule::Accepts(_)));
        let names: BTreeSet<&str> = compared.map(Rule::name).collect();
        for name in names {
            let [old, new] = rules.map(|rules| rules.iter().find(|rule| rule.name() == name));
            match (old, new) {
                (old, new) if old == new => {}
                (Some(Rule::OneOf(old)), Some(Rule::OneOf(new))) => {
                    let texts = |numbers: &[Number]| numbers.iter().map(Number::to_string).collect::<Vec<_>>();
                    self.declared(&texts(old), &texts(new), path);
                }
                (Some(Rule::Items(_)), _) | (_, Some(Rule::Items(_))) => {
                    let rules = [old, new].map(|rule| rule.map_or(&[][..], Rule::inner));
                    self.rules([old_type.item(), new_type.item()], rules, &format!("{path}[]"));
                }
                (Some(Rule::Part(..)), _) | (_, Some(Rule::Part(..))) => {
                    let rules = [old, new].map(|rule| rule.map_or(&[][..], Rule::inner));
                    self.rules([&Type::I64; 2], rules, &format!("{path}.{name}"));
                }
                (old, new) => {
                    let effect = if is_looser(old, new) { Effect::Additive } else { Effect::Breaking };
                    let text = |rule: Option<&Rule>| rule.map(Rule::value);
                    self.add(path, ChangeKind::Bound { rule: name.to_owned(), from: text(old), to: text(new) }, effect);
                }
            }
        }
    }
}

/// Returns true if a bound allows everything that the old one did.
fn is_looser(old: Option<&Rule>, new: Option<&Rule>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new.allows_all_of(old),
        (None, Some(Rule::Count(name, 0))) => name.starts_with("Min"),
        (_, new) => new.is_none(),
    }
}

fn takes_null(field: &Field) -> bool {
    matches!(field.presence, Presence::Nullable | Presence::RequiredOrNull)
}

fn is_other_kind(old: &Item, new: &Item) -> bool {
    std::mem::discriminant(old) != std::mem::discriminant(new)
}

/// Names the kind of an item, for items of different kinds.
fn kind_of(item: &Item) -> String {
    match item {
        Item::Record(record) => format!("the struct {}", record.name),
        Item::Enum(item) => format!("the enum {}", item.name),
        Item::Union(union) => format!("the union {}", union.name),
        Item::FreeForm { .. } => "free-form JSON".to_owned(),
    }
}
