//! The members of a union, and the keys that distinguish objects among them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::media;
use crate::model::{Fit, Side};
use crate::schema::{properties, reference, strings};

/// The most strings by which a key may distinguish objects.
const MAX_TAGS: usize = 16;

/// A member with the target of its reference.
#[derive(Clone, Copy)]
pub(super) struct Resolved<'a> {
    pub(super) schema: &'a Value,
    pub(super) target: &'a Value,
    pub(super) kind: &'a str,
}

impl<'a> Resolved<'a> {
    pub(super) fn values(&self) -> Option<&'a Vec<Value>> {
        self.target.get("enum").and_then(Value::as_array)
    }

    pub(super) fn properties(&self) -> Option<&'a Map<String, Value>> {
        properties(self.target)
    }

    fn keys(&self) -> Option<BTreeSet<&'a str>> {
        self.properties().map(|properties| properties.keys().map(String::as_str).collect())
    }
}

/// Finds the keys that distinguish each object from the others.
pub(super) fn fits<'a>(members: &[Resolved<'a>], schema: &Value, is_nullable: impl Fn(&'a Value) -> bool) -> Vec<Fit> {
    if members.len() < 2 {
        return members.iter().map(|_| Fit::default()).collect();
    }
    let tags: Vec<Vec<(String, Vec<String>)>> = members.iter().map(|member| tags(member, schema)).collect();
    let fit = |(index, member): (usize, &Resolved<'a>)| {
        let required = strings(member.target.get("required"));
        let properties = member.properties();
        // A null counts as an absent key, so a key that may be null selects nothing.
        let named = |key: &&str| {
            properties.is_none_or(|properties| properties.get(*key).is_some_and(|property| !is_nullable(property)))
        };
        let mut requires: Vec<String> = required.into_iter().filter(named).map(str::to_owned).collect();
        requires.sort();
        requires.dedup();
        // A key distinguishes a member if no other member has one of its strings there.
        let distinguishes = |(key, texts): &&(String, Vec<String>)| {
            let others = tags.iter().enumerate().filter(|(other, _)| *other != index);
            let same_key = |(_, other): (usize, &Vec<(String, Vec<String>)>)| {
                other.iter().find(|(known, _)| known == key).map(|(_, texts)| texts.clone())
            };
            let mut others = others.filter_map(same_key).peekable();
            others.peek().is_some() && others.all(|other| other.iter().all(|text| !texts.contains(text)))
        };
        Fit { requires, tags: tags[index].iter().filter(distinguishes).cloned().collect() }
    };
    members.iter().enumerate().map(fit).collect()
}

/// Returns the keys of an object that have declared strings, through its properties or through a discriminator.
fn tags(member: &Resolved<'_>, schema: &Value) -> Vec<(String, Vec<String>)> {
    let texts = |schema: &Value| -> Option<Vec<String>> {
        schema.get("enum")?.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut tags: Vec<(String, Vec<String>)> = member
        .properties()
        .into_iter()
        .flatten()
        .filter_map(|(key, schema)| Some((key.clone(), texts(schema).filter(|texts| texts.len() <= MAX_TAGS)?)))
        .collect();
    let discriminator =
        schema.get("discriminator").and_then(|discriminator| discriminator.get("propertyName")?.as_str());
    if let (Some(key), Some(target)) = (discriminator, member.schema.get("$ref").and_then(Value::as_str))
        && !tags.iter().any(|(known, _)| known == key)
    {
        let name = target.rsplit('/').next().unwrap_or(target);
        let mapping = schema["discriminator"].get("mapping").and_then(Value::as_object);
        let mapped = mapping.into_iter().flatten().filter(|(_, to)| *to == target || *to == name);
        let texts: Vec<String> = mapped.map(|(text, _)| text.clone()).collect();
        tags.push((key.to_owned(), if texts.is_empty() { vec![name.to_owned()] } else { texts }));
    }
    tags
}

/// Returns true if two different objects have the same keys, so that no value tells them apart.
pub(super) fn has_ambiguity(members: &[Resolved<'_>], fits: &[Fit], property: &str, side: Side) -> bool {
    let are_alike = |(one, one_fit): (&Resolved<'_>, &Fit), (other, other_fit): (&Resolved<'_>, &Fit)| {
        !std::ptr::eq(one.target, other.target)
            && one.keys() == other.keys()
            && one_fit == other_fit
            && !are_same_media(one, other, property, side)
    };
    let pairs: Vec<(&Resolved<'_>, &Fit)> = members.iter().zip(fits).collect();
    pairs.iter().enumerate().any(|(index, one)| pairs[index + 1..].iter().any(|other| are_alike(*one, *other)))
}

/// Returns true if both are types of the runtime with the same fields.
pub(super) fn are_same_media(one: &Resolved<'_>, other: &Resolved<'_>, property: &str, side: Side) -> bool {
    let is_shared = |member: &Resolved<'_>| {
        let component = reference(member.schema);
        member.properties().is_some_and(|fields| media::shared(component, property, fields, side).is_some())
    };
    is_shared(one) && is_shared(other) && one.keys() == other.keys()
}
