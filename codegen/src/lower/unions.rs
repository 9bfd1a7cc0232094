//! Unions: the JSON kind of a value decides its variant and, among objects, so do their keys.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::draft::Shape;
use super::walk::{MAX_DEPTH, Site, Walk};
use super::{docs, media, rules};
use crate::model::{Fit, Item, Member, Side, Union};
use crate::names::{self, Scope};
use crate::schema::{is_beyond_i64, reference, strings};
use crate::types::{self, RuntimeType, Simple};
use crate::{refusals, words};

/// The most members that a union may have.
const MAX_MEMBERS: usize = 64;

/// The most strings by which a key may distinguish objects.
const MAX_TAGS: usize = 16;

/// A member with the target of its reference.
#[derive(Clone, Copy)]
struct Seen<'a> {
    schema: &'a Value,
    resolved: &'a Value,
    kind: &'a str,
}

impl<'a> Seen<'a> {
    fn values(&self) -> Option<&'a Vec<Value>> {
        self.resolved.get("enum").and_then(Value::as_array)
    }

    fn properties(&self) -> Option<&'a Map<String, Value>> {
        self.resolved.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty())
    }
}

impl<'a> Walk<'a> {
    pub(super) fn union(&mut self, members: &'a [Value], site: Site<'a, '_>) -> Shape {
        let Site { schema, at, wanted, .. } = site;
        let mut seen = Vec::new();
        if let Err(why) = self.see(members, 0, &mut seen) {
            return self.free_form(at, &why);
        }
        // The union precedes the types of its members.
        let index = self.drafts.len();
        let of = |kinds: &[&str]| -> Vec<Seen<'a>> {
            seen.iter().filter(|member| kinds.contains(&member.kind)).copied().collect()
        };
        let mut variants = Vec::new();
        let (strings, numbers) = (of(&["string"]), of(&["integer", "number"]));
        let (booleans, arrays, objects) = (of(&["boolean"]), of(&["array"]), of(&["object"]));
        // If all members have one kind, there may be no union, and the type keeps the wanted name.
        let kinds = [&strings, &numbers, &booleans, &arrays, &objects].iter().filter(|kind| !kind.is_empty()).count();
        let inner = |part: &str| if kinds == 1 { wanted.to_owned() } else { format!("{wanted}{part}") };
        if !strings.is_empty() {
            variants.push(self.strings(&strings, Site { wanted: &inner("Preset"), ..site }));
        }
        if !numbers.is_empty() {
            variants.push(self.numbers(at, &numbers));
        }
        if let Some(first) = booleans.first() {
            let rules = if booleans.len() == 1 { rules::of_boolean(first.resolved) } else { Vec::new() };
            let shape = Shape { simple: json!({ "type": "boolean" }), rules };
            variants.push(variant("Flag", "boolean", docs::of_schema(first.schema, words::BOOLEAN), shape));
        }
        if !arrays.is_empty() {
            variants.push(self.arrays(&arrays, Site { wanted: &inner("Item"), ..site }));
        }
        match self.objects(&objects, kinds == 1, site) {
            Ok(objects) => variants.extend(objects),
            Err(why) => return self.free_form(at, &why),
        }
        if variants.len() == 1 {
            let Member { rules, of, .. } = variants.remove(0);
            return Shape { simple: of, rules };
        }
        let mut scope = Scope::variants();
        variants.iter_mut().for_each(|variant| variant.name = scope.take(&variant.name));
        let name = self.type_name(&format!("{wanted}Choice"), site.owner);
        let docs = docs::of_schema(schema, &words::union_of(at, site.is_item));
        let union = Union { name: name.clone(), side: site.side, docs, members: variants };
        self.drafts.insert(index, Item::Union(union));
        types::local(&name).into()
    }

    /// Collects the members, and those of nested unions.
    fn see(&self, members: &'a [Value], depth: usize, seen: &mut Vec<Seen<'a>>) -> Result<(), String> {
        for schema in members {
            let Some(resolved) = self.resolve(schema) else {
                return Err(refusals::missing_variant(reference(schema).unwrap_or_default()));
            };
            if let Some(Value::Array(members)) = resolved.get("anyOf") {
                if depth > MAX_DEPTH {
                    return Err(refusals::UNION_TOO_DEEP.to_owned());
                }
                self.see(members, depth + 1, seen)?;
            } else if let Some(kind) = resolved.get("type").and_then(Value::as_str) {
                seen.push(Seen { schema, resolved, kind });
            } else {
                return Err(refusals::NO_VARIANT_TYPE.to_owned());
            }
            if seen.len() > MAX_MEMBERS {
                return Err(refusals::too_many_variants(MAX_MEMBERS));
            }
        }
        Ok(())
    }

    /// Lowers declared strings, any string, or both: an enum that allows any string.
    fn strings(&mut self, members: &[Seen<'a>], site: Site<'a, '_>) -> Member<Simple> {
        let Site { at, takes_files, .. } = site;
        let site = Site { takes_files: false, ..site };
        let (declared, plain): (Vec<Seen<'a>>, Vec<Seen<'a>>) =
            members.iter().partition(|member| member.values().is_some());
        let rules = match plain.first() {
            Some(first)
                if plain.iter().all(|member| rules::of_string(member.resolved) == rules::of_string(first.resolved)) =>
            {
                rules::of_string(first.resolved)
            }
            Some(_) => {
                self.note(at, refusals::STRING_BOUNDS);
                Vec::new()
            }
            None => Vec::new(),
        };
        if declared.is_empty() {
            let simple = if takes_files { types::runtime(RuntimeType::FileInput) } else { json!({ "type": "string" }) };
            let (name, fallback) = if takes_files { ("File", words::FILE) } else { ("Text", words::STRING) };
            let docs = plain.first().map_or_else(Vec::new, |member| docs::of_schema(member.schema, fallback));
            return variant(name, "text", docs, Shape { simple, rules });
        }
        let docs = docs::of_schema(declared[0].schema, words::ENUM);
        let mut shape = match (&declared[..], plain.is_empty()) {
            ([only], true) => self.shape(Site { schema: only.schema, ..site }),
            _ => {
                let values = declared.iter().filter_map(|member| member.values()).flatten();
                self.enumeration(values, !plain.is_empty(), site)
            }
        };
        shape.rules = rules;
        variant("Preset", if plain.is_empty() { "string" } else { "text" }, docs, shape)
    }

    /// Lowers all numbers to the widest of their types.
    fn numbers(&mut self, at: &str, members: &[Seen<'a>]) -> Member<Simple> {
        let is_float = members.iter().any(|member| member.kind == "number");
        let first = members[0];
        let rules = rules::of_number(first.resolved);
        let same = members.iter().all(|member| rules::of_number(member.resolved) == rules);
        if !same {
            self.note(at, refusals::NUMBER_BOUNDS);
        }
        let simple = match is_float {
            true => json!({ "type": "number" }),
            false if members.iter().any(|member| is_beyond_i64(member.resolved)) => types::big_integer(),
            false => types::integer(),
        };
        let (name, fallback) = if is_float { ("Number", words::NUMBER) } else { ("Integer", words::INTEGER) };
        let shape = Shape { simple, rules: if same { rules } else { Vec::new() } };
        variant(name, "number", docs::of_schema(first.schema, fallback), shape)
    }

    fn arrays(&mut self, members: &[Seen<'a>], site: Site<'a, '_>) -> Member<Simple> {
        let Site { at, takes_files, .. } = site;
        let site = Site { takes_files: false, ..site };
        let first = members[0];
        let docs = docs::of_schema(first.schema, words::ARRAY);
        let is_text = |member: &Seen<'_>| {
            member.resolved.get("items").and_then(|items| items.get("type")) == Some(&json!("string"))
        };
        if takes_files && members.iter().all(is_text) {
            let simple = json!({ "type": "array", "items": types::runtime(RuntimeType::FileInput) });
            return variant(
                "Files",
                "list",
                docs,
                Shape { simple, rules: rules::of_array(first.resolved, Vec::new()) },
            );
        }
        let shape = match members {
            [only] => self.shape(Site { schema: only.schema, ..site }),
            _ => {
                let shapes: Vec<Shape> =
                    members.iter().map(|member| self.shape(Site { schema: member.schema, ..site })).collect();
                let first = shapes[0].clone();
                match shapes.iter().all(|shape| shape.simple == first.simple) {
                    true => Shape { simple: first.simple, rules: Vec::new() },
                    false => {
                        let items = self.free_form(at, refusals::DIFFERENT_ITEMS);
                        json!({ "type": "array", "items": items.simple }).into()
                    }
                }
            }
        };
        variant("List", "list", docs, shape)
    }

    /// Lowers each distinct object to a variant.
    fn objects(
        &mut self,
        members: &[Seen<'a>],
        alone: bool,
        site: Site<'a, '_>,
    ) -> Result<Vec<Member<Simple>>, String> {
        let Site { schema, wanted, side, .. } = site;
        let site = Site { takes_files: false, ..site };
        let fits = fits(members, schema);
        for (index, (member, fit)) in members.iter().zip(&fits).enumerate() {
            let keys =
                |member: &Seen<'a>| member.properties().map(|properties| properties.keys().collect::<BTreeSet<_>>());
            let alike = |(other, other_fit): &(&Seen<'a>, &Fit)| {
                !std::ptr::eq(other.resolved, member.resolved)
                    && keys(other) == keys(member)
                    && other_fit.requires == fit.requires
                    && other_fit.tags == fit.tags
                    && !self.same_media(member, other, side)
            };
            if members.iter().zip(&fits).skip(index + 1).any(|pair| alike(&pair)) {
                return Err(refusals::SAME_KEYS.to_owned());
            }
        }
        let mut variants: Vec<Member<Simple>> = Vec::new();
        for (member, fit) in members.iter().zip(fits) {
            let part = if alone && members.len() == 1 { wanted.to_owned() } else { format!("{wanted}Custom") };
            let Shape { simple, rules } = self.shape(Site { schema: member.schema, wanted: &part, ..site });
            if variants.iter().any(|variant| variant.of == simple) {
                continue;
            }
            let is_size = simple == types::runtime(RuntimeType::ImageSize);
            let (name, fallback) = match reference(member.schema) {
                _ if is_size => ("Custom".to_owned(), words::IMAGE_SIZE.to_owned()),
                Some(component) => (names::component(component), words::variant(component)),
                None if member.properties().is_none() => ("Map".to_owned(), words::MAP.to_owned()),
                None => ("Custom".to_owned(), words::OBJECT.to_owned()),
            };
            let kind = if is_size { "image_size" } else { "object" };
            let docs = docs::of_schema(member.resolved, &fallback);
            variants.push(Member { name, docs, kind, fit, rules, of: simple });
        }
        if let [only] = &mut variants[..] {
            only.fit = Fit::default();
        }
        Ok(variants)
    }

    /// Returns true if both are the same type of the runtime.
    fn same_media(&self, one: &Seen<'a>, other: &Seen<'a>, side: Side) -> bool {
        let shared = |member: &Seen<'a>| {
            reference(member.schema)?;
            media::shared(member.properties()?, side)
        };
        shared(one).is_some() && shared(one) == shared(other)
    }
}

fn variant(name: &str, kind: &'static str, docs: Vec<String>, shape: Shape) -> Member<Simple> {
    let Shape { simple, rules } = shape;
    Member { name: name.to_owned(), docs, kind, fit: Fit::default(), rules, of: simple }
}

/// Finds the keys that distinguish each object from the others.
fn fits(members: &[Seen<'_>], schema: &Value) -> Vec<Fit> {
    if members.len() < 2 {
        return members.iter().map(|_| Fit::default()).collect();
    }
    let tags: Vec<Vec<(String, Vec<String>)>> = members.iter().map(|member| tags(member, schema)).collect();
    let fit = |(index, member): (usize, &Seen<'_>)| {
        let required = strings(member.resolved.get("required"));
        let properties = member.properties();
        let named = |key: &&str| properties.is_none_or(|properties| properties.contains_key(*key));
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
fn tags(member: &Seen<'_>, schema: &Value) -> Vec<(String, Vec<String>)> {
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
