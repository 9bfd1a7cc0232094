//! Unions: which form a value has is decided by its JSON kind and, among objects, by their keys.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{DEPTH, Draft, DraftMember, Lowering, Shape, docs, rules};
use crate::model::{Fit, Side};
use crate::names::{self, Scope};
use crate::prose;
use crate::schema::{is_beyond_i64, reference, strings};
use crate::types::{self, RuntimeType};

/// How many members a union may have.
const MOST: usize = 64;

/// A member with what its reference leads to.
#[derive(Clone, Copy)]
struct Seen<'a> {
    schema: &'a Value,
    resolved: &'a Value,
    kind: &'a str,
}

impl<'a> Seen<'a> {
    fn listed(&self) -> Option<&'a Vec<Value>> {
        self.resolved.get("enum").and_then(Value::as_array)
    }

    fn properties(&self) -> Option<&'a Map<String, Value>> {
        self.resolved.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty())
    }
}

/// A form of the union in the making.
struct Form {
    wanted: String,
    docs: Vec<String>,
    kind: &'static str,
    fit: Fit,
    shape: Shape,
}

impl<'a> Lowering<'a> {
    pub(super) fn union(
        &mut self,
        at: &str,
        wanted: &str,
        members: &'a [Value],
        schema: &'a Value,
        side: Side,
        takes_files: bool,
    ) -> Shape {
        let mut seen = Vec::new();
        if let Err(why) = self.see(members, 0, &mut seen) {
            return self.free_form(at, &why);
        }
        // The union stands before the types of its members, if it is to be one.
        let place = self.drafts.len();
        let of = |kinds: &[&str]| -> Vec<Seen<'a>> {
            seen.iter().filter(|member| kinds.contains(&member.kind)).copied().collect()
        };
        let mut forms = Vec::new();
        let (strings, numbers) = (of(&["string"]), of(&["integer", "number"]));
        let (truths, lists, objects) = (of(&["boolean"]), of(&["array"]), of(&["object"]));
        // Only a part of the forms may be there; a single one is no union, and keeps the union's own name.
        let kinds = [&strings, &numbers, &truths, &lists, &objects].iter().filter(|kind| !kind.is_empty()).count();
        let inner = |part: &str| if kinds == 1 { wanted.to_owned() } else { format!("{wanted}{part}") };
        if !strings.is_empty() {
            forms.push(self.strings(at, &inner("Preset"), &strings, schema, side, takes_files));
        }
        if !numbers.is_empty() {
            forms.push(self.numbers(at, &numbers));
        }
        if let Some(first) = truths.first() {
            let rules = if truths.len() == 1 { rules::of_truth(first.resolved) } else { Vec::new() };
            let shape = Shape { simple: json!({ "type": "boolean" }), rules };
            forms.push(form("Flag", "boolean", docs::of_schema(first.schema, "A truth value."), shape));
        }
        if !lists.is_empty() {
            forms.push(self.lists(at, &inner("Item"), &lists, side, takes_files));
        }
        match self.objects(at, wanted, &objects, schema, side, kinds == 1) {
            Ok(objects) => forms.extend(objects),
            Err(why) => return self.free_form(at, &why),
        }
        if forms.len() == 1 {
            return forms.remove(0).shape;
        }
        let name = self.inline_name(&format!("{wanted}Choice"));
        let mut scope = Scope::variants();
        let members = forms.into_iter().map(|form| DraftMember {
            name: scope.take(&form.wanted),
            docs: form.docs,
            kind: form.kind,
            fit: form.fit,
            rules: form.shape.rules,
            simple: form.shape.simple,
        });
        let members = members.collect();
        let docs = docs::of_schema(schema, &format!("A value of {}, in one of its forms.", prose::code(at)));
        self.drafts.insert(place, Draft::Union { name: name.clone(), side, docs, members });
        types::local(&name).into()
    }

    /// Lists the members, and those of unions among them.
    fn see(&self, members: &'a [Value], depth: usize, seen: &mut Vec<Seen<'a>>) -> Result<(), String> {
        for schema in members {
            let Some(resolved) = self.resolve(schema, 0) else {
                let component = reference(schema).unwrap_or_default();
                return Err(format!(
                    "a member of the union, the component {}, is not in the document",
                    prose::code(component)
                ));
            };
            if let Some(Value::Array(members)) = resolved.get("anyOf") {
                if depth > DEPTH {
                    return Err("the union nests too deep".to_owned());
                }
                self.see(members, depth + 1, seen)?;
            } else if let Some(kind) = resolved.get("type").and_then(Value::as_str) {
                seen.push(Seen { schema, resolved, kind });
            } else {
                return Err("the schema does not say what a member of the union is".to_owned());
            }
            if seen.len() > MOST {
                return Err(format!("the union has more than {MOST} members"));
            }
        }
        Ok(())
    }

    /// Listed texts, any text, or both: then it is an enum of which any text is a value.
    fn strings(
        &mut self,
        at: &str,
        wanted: &str,
        members: &[Seen<'a>],
        schema: &'a Value,
        side: Side,
        takes_files: bool,
    ) -> Form {
        let (listing, plain): (Vec<Seen<'a>>, Vec<Seen<'a>>) =
            members.iter().partition(|member| member.listed().is_some());
        let rules = match plain.first() {
            Some(first)
                if plain.iter().all(|member| rules::of_text(member.resolved) == rules::of_text(first.resolved)) =>
            {
                rules::of_text(first.resolved)
            }
            Some(_) => {
                self.note(at, "the texts of the union have different bounds, which are not checked");
                Vec::new()
            }
            None => Vec::new(),
        };
        if listing.is_empty() {
            let simple = if takes_files { types::runtime(RuntimeType::FileInput) } else { json!({ "type": "string" }) };
            let (name, fallback) = if takes_files { ("File", "A file.") } else { ("Text", "A text.") };
            let docs = plain.first().map_or_else(Vec::new, |member| docs::of_schema(member.schema, fallback));
            return form(name, "text", docs, Shape { simple, rules });
        }
        let docs = docs::of_schema(listing[0].schema, "One of the listed values.");
        let mut shape = match (&listing[..], plain.is_empty()) {
            ([only], true) => self.shape(at, wanted, only.schema, side),
            _ => {
                let listed = listing.iter().filter_map(|member| member.listed()).flatten();
                self.enumeration(at, wanted, schema, listed, !plain.is_empty())
            }
        };
        shape.rules = rules;
        form("Preset", if plain.is_empty() { "string" } else { "text" }, docs, shape)
    }

    /// One number type for all, the widest.
    fn numbers(&mut self, at: &str, members: &[Seen<'a>]) -> Form {
        let is_float = members.iter().any(|member| member.kind == "number");
        let first = members[0];
        let rules = rules::of_number(first.resolved);
        let same = members.iter().all(|member| rules::of_number(member.resolved) == rules);
        if !same {
            self.note(at, "the numbers of the union have different bounds, which are not checked");
        }
        let simple = match is_float {
            true => json!({ "type": "number" }),
            false if members.iter().any(|member| is_beyond_i64(member.resolved)) => types::big_integer(),
            false => types::integer(),
        };
        let (name, fallback) = if is_float { ("Number", "A number.") } else { ("Integer", "An integer.") };
        let shape = Shape { simple, rules: if same { rules } else { Vec::new() } };
        form(name, "number", docs::of_schema(first.schema, fallback), shape)
    }

    fn lists(&mut self, at: &str, wanted: &str, members: &[Seen<'a>], side: Side, takes_files: bool) -> Form {
        let first = members[0];
        let docs = docs::of_schema(first.schema, "A list.");
        let is_text = |member: &Seen<'_>| {
            member.resolved.get("items").and_then(|items| items.get("type")) == Some(&json!("string"))
        };
        if takes_files && members.iter().all(is_text) {
            let simple = json!({ "type": "array", "items": types::runtime(RuntimeType::FileInput) });
            return form("Files", "list", docs, Shape { simple, rules: rules::of_list(first.resolved, Vec::new()) });
        }
        let shape = match members {
            [only] => self.shape(at, wanted, only.schema, side),
            _ => {
                let shapes: Vec<Shape> =
                    members.iter().map(|member| self.shape(at, wanted, member.schema, side)).collect();
                let first = shapes[0].clone();
                match shapes.iter().all(|shape| shape.simple == first.simple) {
                    true => Shape { simple: first.simple, rules: Vec::new() },
                    false => {
                        let items = self.free_form(at, "a union of different lists, whose items are free-form");
                        json!({ "type": "array", "items": items.simple }).into()
                    }
                }
            }
        };
        form("List", "list", docs, shape)
    }

    /// A form for each object that is a type of its own.
    fn objects(
        &mut self,
        at: &str,
        wanted: &str,
        members: &[Seen<'a>],
        schema: &'a Value,
        side: Side,
        alone: bool,
    ) -> Result<Vec<Form>, String> {
        let fits = fits(members, schema);
        for (place, (member, fit)) in members.iter().zip(&fits).enumerate() {
            let keys =
                |member: &Seen<'a>| member.properties().map(|properties| properties.keys().collect::<BTreeSet<_>>());
            let alike = |(other, other_fit): &(&Seen<'a>, &Fit)| {
                !std::ptr::eq(other.resolved, member.resolved)
                    && keys(other) == keys(member)
                    && other_fit.requires == fit.requires
                    && other_fit.tags == fit.tags
                    && !self.same_media(member, other, side)
            };
            if members.iter().zip(&fits).skip(place + 1).any(|pair| alike(&pair)) {
                return Err("two objects of the union have the same keys".to_owned());
            }
        }
        let mut forms: Vec<Form> = Vec::new();
        for (member, fit) in members.iter().zip(fits) {
            let part = if alone && members.len() == 1 { wanted.to_owned() } else { format!("{wanted}Custom") };
            let shape = self.shape(at, &part, member.schema, side);
            if forms.iter().any(|form| form.shape.simple == shape.simple) {
                continue;
            }
            let is_size = shape.simple == types::runtime(RuntimeType::ImageSize);
            let (name, fallback) = match reference(member.schema) {
                _ if is_size => ("Custom".to_owned(), "A width and a height in pixels.".to_owned()),
                Some(component) => (names::component(component), format!("The form {}.", prose::code(component))),
                None if member.properties().is_none() => {
                    ("Map".to_owned(), "An object with keys of one's own.".to_owned())
                }
                None => ("Custom".to_owned(), "An object of one's own.".to_owned()),
            };
            let kind = if is_size { "image_size" } else { "object" };
            let docs = docs::of_schema(member.resolved, &fallback);
            forms.push(Form { wanted: name, docs, kind, fit, shape });
        }
        if forms.len() == 1 {
            forms[0].fit = Fit::default();
        }
        Ok(forms)
    }

    /// Whether both are the same of the runtime's types.
    fn same_media(&self, one: &Seen<'a>, other: &Seen<'a>, side: Side) -> bool {
        let shared = |member: &Seen<'a>| {
            reference(member.schema)?;
            super::media::shared(member.properties()?, side)
        };
        shared(one).is_some() && shared(one) == shared(other)
    }
}

fn form(name: &str, kind: &'static str, docs: Vec<String>, shape: Shape) -> Form {
    Form { wanted: name.to_owned(), docs, kind, fit: Fit::default(), shape }
}

/// What tells each object from the others.
fn fits(members: &[Seen<'_>], schema: &Value) -> Vec<Fit> {
    if members.len() < 2 {
        return members.iter().map(|_| Fit::default()).collect();
    }
    let tags: Vec<Vec<(String, Vec<String>)>> = members.iter().map(|member| tags(member, schema)).collect();
    let fit = |(place, member): (usize, &Seen<'_>)| {
        let required = strings(member.resolved.get("required"));
        let properties = member.properties();
        let named = |key: &&str| properties.is_none_or(|properties| properties.contains_key(*key));
        let mut requires: Vec<String> = required.into_iter().filter(named).map(str::to_owned).collect();
        requires.sort();
        requires.dedup();
        // A key tells a member from those that have other texts there.
        let tells = |(key, texts): &&(String, Vec<String>)| {
            let others = tags.iter().enumerate().filter(|(other, _)| *other != place);
            let same_key = |(_, other): (usize, &Vec<(String, Vec<String>)>)| {
                other.iter().find(|(known, _)| known == key).map(|(_, texts)| texts.clone())
            };
            let mut others = others.filter_map(same_key).peekable();
            others.peek().is_some() && others.all(|other| other.iter().all(|text| !texts.contains(text)))
        };
        Fit { requires, tags: tags[place].iter().filter(tells).cloned().collect() }
    };
    members.iter().enumerate().map(fit).collect()
}

/// The keys of an object that have listed texts, by its properties or by a discriminator.
fn tags(member: &Seen<'_>, schema: &Value) -> Vec<(String, Vec<String>)> {
    let texts = |schema: &Value| -> Option<Vec<String>> {
        schema.get("enum")?.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut tags: Vec<(String, Vec<String>)> = member
        .properties()
        .into_iter()
        .flatten()
        .filter_map(|(key, schema)| Some((key.clone(), texts(schema).filter(|texts| texts.len() <= 16)?)))
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
