//! The *types* stage: typify decides the Rust type of every field and variant.
//!
//! *lower* has settled the names and shapes by now. typify contributes three things: the nesting of `Option`, `Vec` and maps,
//! the `Box` that breaks each cycle of types, and a second opinion on every schema that reaches it. Its own items are not
//! printed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use schemars::schema::Schema;
use serde_json::{Map, Value, json};
use typify::{TypeDetails, TypeId, TypeSpace, TypeSpaceSettings};

use crate::model::{Field, Item, Member, Presence, Record, Type, Union};
use crate::refusals;

/// A type of the runtime that replaces a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuntimeType {
    Audio,
    File,
    FileInput,
    Image,
    ImageSize,
    Video,
}

/// Every runtime type with its name. References to them start with `::`, which names of a document's types cannot.
const RUNTIME: &[(RuntimeType, &str)] = &[
    (RuntimeType::Audio, "Audio"),
    (RuntimeType::File, "File"),
    (RuntimeType::FileInput, "FileInput"),
    (RuntimeType::Image, "Image"),
    (RuntimeType::ImageSize, "ImageSize"),
    (RuntimeType::Video, "Video"),
];

/// A schema reduced to what typify needs to name its type.
pub(crate) type Simple = Value;

pub(crate) fn integer() -> Value {
    json!({ "type": "integer", "format": "int64" })
}

/// The name of the type for integers beyond `i64`, which typify does not know.
pub(crate) const I128: &str = "::i128";

pub(crate) fn big_integer() -> Value {
    local(I128)
}

pub(crate) fn local(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

pub(crate) fn runtime(of: RuntimeType) -> Value {
    local(&format!("::{of:?}"))
}

/// Returns true if a reference names a type of the runtime.
pub(crate) fn is_runtime(name: &str) -> bool {
    name.starts_with("::")
}

/// Decides the types of every item.
///
/// typify panics on some schemas. Those that reach it here are reduced to shapes that it accepts; a panic nevertheless
/// becomes an error about the document.
pub(crate) fn decide(items: Vec<Item<Simple>>) -> Result<Vec<Item>, String> {
    let definitions: Vec<Definition<'_>> = items.iter().filter_map(definition).collect();
    let mut decided = match catch_unwind(AssertUnwindSafe(|| decide_unguarded(definitions))) {
        Ok(decided) => decided?,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            return Err(refusals::typify_panicked(text));
        }
    };
    Ok(items.into_iter().map(|item| typed(item, &mut decided)).collect())
}

/// An item as typify sees it: the name of an object and the schemas of its properties, with whether they are optional.
type Definition<'a> = (&'a str, Vec<(&'a Simple, bool)>);

/// The types of each definition's properties in their order, by the definition's name.
type Decided = BTreeMap<String, Vec<Type>>;

fn definition(item: &Item<Simple>) -> Option<Definition<'_>> {
    match item {
        Item::Record(Record { name, fields, .. }) => {
            let is_optional = |field: &Field<Simple>| field.presence != Presence::Required;
            Some((name, fields.iter().map(|field| (&field.kind, is_optional(field))).collect()))
        }
        Item::Union(Union { name, members, .. }) => {
            Some((name, members.iter().map(|member| (&member.of, false)).collect()))
        }
        Item::Enum(_) | Item::FreeForm { .. } => None,
    }
}

/// Puts the decided types into an item.
fn typed(item: Item<Simple>, decided: &mut Decided) -> Item {
    match item {
        Item::Enum(item) => Item::Enum(item),
        Item::FreeForm { name, docs } => Item::FreeForm { name, docs },
        Item::Record(Record { name, role, docs, fields }) => {
            let kinds = decided.remove(&name).unwrap_or_default();
            let fields = fields.into_iter().zip(kinds).map(|(field, kind)| {
                let Field { name, wire, docs, facts, deprecated, default, stated, kind: _, rules, presence } = field;
                let kind = match (kind, presence) {
                    (Type::Option(value), Presence::Nullable) => Type::Option(Box::new(Type::Nullable(value))),
                    // Untyped JSON has a null of its own.
                    (Type::Option(value), Presence::RequiredOrNull) if *value == Type::Json => Type::Json,
                    (Type::Option(value), Presence::RequiredOrNull) => Type::Nullable(value),
                    (kind, _) => kind,
                };
                Field { name, wire, docs, facts, deprecated, default, stated, kind, rules, presence }
            });
            Item::Record(Record { role, docs, fields: fields.collect(), name })
        }
        Item::Union(Union { name, side, docs, members }) => {
            let kinds = decided.remove(&name).unwrap_or_default();
            let members = members.into_iter().zip(kinds).map(|(member, of)| {
                let Member { name, docs, any_string, fit, rules, of: _ } = member;
                Member { name, docs, any_string, fit, rules, of }
            });
            Item::Union(Union { side, docs, members: members.collect(), name })
        }
    }
}

fn decide_unguarded(definitions: Vec<Definition<'_>>) -> Result<Decided, String> {
    // typify renames types and properties. It gets names that it leaves alone, which are translated back afterwards.
    let numbers: BTreeMap<String, usize> =
        definitions.iter().enumerate().map(|(number, (name, _))| ((*name).to_owned(), number)).collect();
    let mut replaced: Vec<String> = Vec::new();
    let mut settings = TypeSpaceSettings::default();
    settings.with_map_type("::std::collections::BTreeMap");

    let mut schemas = Vec::new();
    for (number, (_, properties)) in definitions.iter().enumerate() {
        let mut object = Map::new();
        let mut required = Vec::new();
        for (index, (schema, optional)) in properties.iter().enumerate() {
            let mut schema = (*schema).clone();
            rename(&mut schema, &numbers, &mut replaced);
            if *optional {
                schema = json!({ "oneOf": [schema, { "type": "null" }] });
            }
            object.insert(format!("p{index}"), schema);
            required.push(format!("p{index}"));
        }
        let definition = json!({ "type": "object", "properties": object, "required": required });
        let schema: Schema = serde_json::from_value(definition).map_err(|error| error.to_string())?;
        schemas.push((format!("T{number}"), schema));
    }
    for (number, _) in replaced.iter().enumerate() {
        settings.with_replacement(format!("R{number}"), format!("R{number}"), std::iter::empty());
        schemas.push((format!("R{number}"), Schema::Bool(true)));
    }
    let mut space = TypeSpace::new(&settings);
    space.add_ref_types(schemas).map_err(|error| refusals::typify_rejected(&error))?;

    let names = Names { definitions: definitions.iter().map(|(name, _)| *name).collect(), replaced };
    let mut decided = BTreeMap::new();
    for found in space.iter_types() {
        let TypeDetails::Struct(fields) = found.details() else { continue };
        let name = found.name();
        let Some(number) = name.strip_prefix('T').and_then(|number| number.parse::<usize>().ok()) else { continue };
        let Some((definition, properties)) = definitions.get(number) else { continue };
        let mut types = vec![None; properties.len()];
        for (property, id) in fields.properties() {
            let index = property.strip_prefix('p').and_then(|index| index.parse::<usize>().ok());
            if let Some(slot) = index.and_then(|index| types.get_mut(index)) {
                *slot = Some(translate(&space, &id, &names)?);
            }
        }
        let types: Option<Vec<Type>> = types.into_iter().collect();
        let types = types.ok_or_else(|| refusals::typify_omitted(definition))?;
        decided.insert((*definition).to_owned(), types);
    }
    // typify makes no struct of a record without fields.
    for (name, properties) in &definitions {
        match decided.get(*name) {
            Some(_) => {}
            None if properties.is_empty() => drop(decided.insert((*name).to_owned(), Vec::new())),
            None => return Err(refusals::typify_omitted(name)),
        }
    }
    Ok(decided)
}

/// Replaces our names by typify's.
fn rename(schema: &mut Value, numbers: &BTreeMap<String, usize>, replaced: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                let name = reference.trim_start_matches("#/definitions/").to_owned();
                let known = match numbers.get(&name) {
                    Some(number) => format!("T{number}"),
                    None => {
                        let index = replaced.iter().position(|known| *known == name).unwrap_or_else(|| {
                            replaced.push(name);
                            replaced.len() - 1
                        });
                        format!("R{index}")
                    }
                };
                *reference = format!("#/definitions/{known}");
            }
            object.values_mut().for_each(|value| rename(value, numbers, replaced));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| rename(value, numbers, replaced)),
        _ => {}
    }
}

struct Names<'a> {
    definitions: Vec<&'a str>,
    replaced: Vec<String>,
}

impl Names<'_> {
    fn get(&self, name: &str) -> Option<Type> {
        let (kind, number) = name.split_at_checked(1)?;
        let number: usize = number.parse().ok()?;
        match kind {
            "T" => self.definitions.get(number).map(|name| Type::Local((*name).to_owned())),
            "R" => {
                let name = self.replaced.get(number)?;
                if name == I128 {
                    return Some(Type::I128);
                }
                let Some(runtime) = name.strip_prefix("::") else { return Some(Type::Local(name.clone())) };
                RUNTIME.iter().find(|(_, known)| *known == runtime).map(|(_, known)| Type::Runtime(known))
            }
            _ => None,
        }
    }
}

fn translate(space: &TypeSpace, id: &TypeId, names: &Names<'_>) -> Result<Type, String> {
    let found = space.get_type(id).map_err(|error| error.to_string())?;
    let inner = |id: &TypeId| translate(space, id, names).map(Box::new);
    Ok(match found.details() {
        TypeDetails::Option(id) => Type::Option(inner(&id)?),
        TypeDetails::Vec(id) => Type::List(inner(&id)?),
        TypeDetails::Map(_, id) => Type::Map(inner(&id)?),
        // typify boxes the option of a recursive field; we box its value.
        TypeDetails::Box(id) => match inner(&id)?.as_ref() {
            Type::Option(boxed) => Type::Option(Box::new(Type::Boxed(boxed.clone()))),
            boxed => Type::Boxed(Box::new(boxed.clone())),
        },
        TypeDetails::String => Type::String,
        TypeDetails::Builtin("bool") => Type::Bool,
        TypeDetails::Builtin("i64") => Type::I64,
        TypeDetails::Builtin("f64") => Type::F64,
        TypeDetails::Builtin("::serde_json::Value") => Type::Json,
        _ => {
            let name = found.name();
            names.get(&name).ok_or_else(|| refusals::unexpected_type(&found.describe()))?
        }
    })
}
