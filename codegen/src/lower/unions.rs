//! Unions: strings, numbers, booleans and arrays become a variant each, and every distinct object another.

use serde_json::{Value, json};

use super::draft::Shape;
use super::members::{Resolved, are_same_media, fits, has_ambiguity};
use super::walk::{MAX_DEPTH, Site, Walk};
use super::{docs, file_limits, rules};
use crate::model::{Fit, Item, Member, Union};
use crate::names::{self, Scope};
use crate::schema::{is_beyond_i64, reference};
use crate::types::{self, RuntimeType, Simple};
use crate::{refusals, words};

/// The most members that a union may have.
const MAX_MEMBERS: usize = 64;

impl<'a> Walk<'a> {
    pub(super) fn union(&mut self, members: &'a [Value], site: Site<'a, '_>) -> Shape {
        let Site { schema, at, wanted, .. } = site;
        let mut found = Vec::new();
        if let Err(why) = self.resolve_members(members, 0, &mut found) {
            return self.free_form(at, &why);
        }
        if !found.iter().all(|member| self.spend_on_use(member.target)) {
            return json!({}).into();
        }
        // The union precedes the types of its members.
        let index = self.drafts.len();
        let of = |kinds: &[&str]| -> Vec<Resolved<'a>> {
            found.iter().filter(|member| kinds.contains(&member.kind)).copied().collect()
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
            let rules = if booleans.len() == 1 { rules::of_boolean(first.target) } else { Vec::new() };
            let shape = Shape { simple: json!({ "type": "boolean" }), rules };
            variants.push(variant("Flag", docs::of_schema(first.schema, words::BOOLEAN), shape));
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
    fn resolve_members(&self, members: &'a [Value], depth: usize, found: &mut Vec<Resolved<'a>>) -> Result<(), String> {
        for schema in members {
            let Some(target) = self.resolve(schema) else {
                return Err(refusals::missing_variant(reference(schema).unwrap_or_default()));
            };
            if let Some(Value::Array(members)) = target.get("anyOf") {
                if depth > MAX_DEPTH {
                    return Err(refusals::UNION_TOO_DEEP.to_owned());
                }
                self.resolve_members(members, depth + 1, found)?;
            } else if let Some(kind) = target.get("type").and_then(Value::as_str) {
                found.push(Resolved { schema, target, kind });
            } else {
                return Err(refusals::NO_VARIANT_TYPE.to_owned());
            }
            if found.len() > MAX_MEMBERS {
                return Err(refusals::too_many_variants(MAX_MEMBERS));
            }
        }
        Ok(())
    }

    /// Lowers declared strings, any string, or both: an enum that allows any string.
    fn strings(&mut self, members: &[Resolved<'a>], site: Site<'a, '_>) -> Member<Simple> {
        let Site { schema, at, takes_files, .. } = site;
        let (declared, plain): (Vec<Resolved<'a>>, Vec<Resolved<'a>>) =
            members.iter().partition(|member| member.values().is_some());
        plain.iter().for_each(|member| self.note_too_many_values(at, member.target));
        let mut rules = match plain.first() {
            Some(first)
                if plain.iter().all(|member| rules::of_string(member.target) == rules::of_string(first.target)) =>
            {
                rules::of_string(first.target)
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
            if takes_files {
                let members = plain.iter().map(|member| member.target);
                rules.extend(file_limits::of_file(members.chain([schema])));
            }
            let docs = plain.first().map_or_else(Vec::new, |member| docs::of_schema(member.schema, fallback));
            return string(name, true, docs, Shape { simple, rules });
        }
        let docs = docs::of_schema(declared[0].schema, words::ENUM);
        let mut shape = match (&declared[..], plain.is_empty()) {
            ([only], true) => self.shape(site.member(only.schema)),
            _ => {
                let values = declared.iter().filter_map(|member| member.values()).flatten();
                self.enumeration(values, !plain.is_empty(), site)
            }
        };
        shape.rules = rules;
        string("Preset", !plain.is_empty(), docs, shape)
    }

    /// Lowers all numbers to the widest of their types.
    fn numbers(&mut self, at: &str, members: &[Resolved<'a>]) -> Member<Simple> {
        let is_float = members.iter().any(|member| member.kind == "number");
        let first = members[0];
        let rules = rules::of_number(first.target);
        let same = members.iter().all(|member| rules::of_number(member.target) == rules);
        if !same {
            self.note(at, refusals::NUMBER_BOUNDS);
        }
        let simple = match is_float {
            true => json!({ "type": "number" }),
            false if members.iter().any(|member| is_beyond_i64(member.target)) => types::big_integer(),
            false => types::integer(),
        };
        let (name, fallback) = if is_float { ("Number", words::NUMBER) } else { ("Integer", words::INTEGER) };
        let shape = Shape { simple, rules: if same { rules } else { Vec::new() } };
        variant(name, docs::of_schema(first.schema, fallback), shape)
    }

    fn arrays(&mut self, members: &[Resolved<'a>], site: Site<'a, '_>) -> Member<Simple> {
        let Site { schema, at, takes_files, .. } = site;
        let first = members[0];
        let docs = docs::of_schema(first.schema, words::ARRAY);
        let is_text = |member: &Resolved<'_>| {
            member.target.get("items").and_then(|items| items.get("type")) == Some(&json!("string"))
        };
        if takes_files && members.iter().all(is_text) {
            let simple = json!({ "type": "array", "items": types::runtime(RuntimeType::FileInput) });
            let (each, together) = file_limits::of_files(first.target, schema);
            let mut rules = rules::of_array(first.target, each);
            rules.extend(together);
            return variant("Files", docs, Shape { simple, rules });
        }
        let shape = match members {
            [only] => self.shape(site.member(only.schema)),
            _ => {
                let shapes: Vec<Shape> = members.iter().map(|member| self.shape(site.member(member.schema))).collect();
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
        variant("List", docs, shape)
    }

    /// Lowers each distinct object to a variant.
    fn objects(
        &mut self,
        members: &[Resolved<'a>],
        alone: bool,
        site: Site<'a, '_>,
    ) -> Result<Vec<Member<Simple>>, String> {
        let Site { schema, wanted, side, .. } = site;
        let fits = fits(members, schema, |property| self.is_nullable(property));
        if has_ambiguity(members, &fits, site.property(), side) {
            return Err(refusals::SAME_KEYS.to_owned());
        }
        let mut variants: Vec<Member<Simple>> = Vec::new();
        for (index, (member, fit)) in members.iter().zip(fits).enumerate() {
            if members[..index].iter().any(|earlier| are_same_media(earlier, member, site.property(), side)) {
                continue;
            }
            let part = if alone && members.len() == 1 { wanted.to_owned() } else { format!("{wanted}Custom") };
            let Shape { simple, mut rules } = self.shape(Site { wanted: &part, ..site }.member(member.schema));
            if variants.iter().any(|variant| variant.of == simple) {
                continue;
            }
            let is_size = simple == types::runtime(RuntimeType::ImageSize);
            if is_size {
                self.limit_image_size(&mut rules, schema, site);
            }
            let (name, fallback) = match reference(member.schema) {
                _ if is_size => ("Custom".to_owned(), words::IMAGE_SIZE.to_owned()),
                Some(component) => (names::component(component), words::variant(component)),
                None if member.properties().is_none() => ("Map".to_owned(), words::MAP.to_owned()),
                None => ("Custom".to_owned(), words::OBJECT.to_owned()),
            };
            let docs = docs::of_schema(member.target, &fallback);
            variants.push(Member { name, docs, any_string: false, fit, rules, of: simple });
        }
        if let [only] = &mut variants[..] {
            only.fit = Fit::default();
        }
        Ok(variants)
    }
}

fn variant(name: &str, docs: Vec<String>, shape: Shape) -> Member<Simple> {
    let Shape { simple, rules } = shape;
    Member { name: name.to_owned(), docs, any_string: false, fit: Fit::default(), rules, of: simple }
}

/// A variant for strings.
fn string(name: &str, any_string: bool, docs: Vec<String>, shape: Shape) -> Member<Simple> {
    Member { any_string, ..variant(name, docs, shape) }
}
