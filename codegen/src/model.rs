//! The model: an endpoint's types as plain data, sorted and complete. Rendering it cannot fail.
//!
//! The parameter `T` is a type: a schema while the types are not decided, a [`Type`] afterwards.

use std::fmt;

use fal_documents::budget;
use serde_json::Value;

/// An endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) category: Option<String>,
    pub(crate) items: Vec<Item>,
    /// The lines of REPORT.md.
    pub(crate) notes: Vec<String>,
}

impl Endpoint {
    /// Returns the record `Input`, unless the input is free-form.
    pub(crate) fn input(&self) -> Option<&Record> {
        self.items.iter().find_map(|item| match item {
            Item::Record(record) if record.role == Role::Input => Some(record),
            _ => None,
        })
    }
}

/// A type of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item<T = Type> {
    Record(Record<T>),
    Enum(Enum),
    Union(Union<T>),
    /// An `Input` or `Output` whose schema declares no fields.
    FreeForm {
        name: String,
        docs: Vec<String>,
    },
}

impl<T> Item<T> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Item::Record(Record { name, .. }) | Item::Enum(Enum { name, .. }) | Item::Union(Union { name, .. }) => name,
            Item::FreeForm { name, .. } => name,
        }
    }

    pub(crate) fn docs(&self) -> &[String] {
        match self {
            Item::Record(Record { docs, .. }) | Item::Enum(Enum { docs, .. }) | Item::Union(Union { docs, .. }) => docs,
            Item::FreeForm { docs, .. } => docs,
        }
    }
}

/// The direction of a type. A type that is used in both counts as an input's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Input,
    Output,
}

/// The role of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The endpoint's `Input`, which has a builder.
    Input,
    /// A record inside the input, which has `new` or a builder, and setters.
    Part,
    /// The endpoint's `Output`, or a record inside it.
    Output,
}

/// An object with named fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record<T = Type> {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) docs: Vec<String>,
    pub(crate) fields: Vec<Field<T>>,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field<T = Type> {
    /// The name in Rust.
    pub(crate) name: String,
    /// The name in JSON.
    pub(crate) wire: String,
    /// The schema's prose, if it has any.
    pub(crate) docs: Vec<String>,
    /// More documentation: a paragraph for default and bounds, one for examples, and one for each note. Each has lines.
    pub(crate) facts: Vec<String>,
    /// The remedy for a deprecated field. Empty if the schema does not say.
    pub(crate) deprecated: Option<String>,
    /// The service's value for an unset field, as JSON.
    pub(crate) default: Option<String>,
    pub(crate) stated: Stated,
    pub(crate) kind: T,
    pub(crate) rules: Vec<Rule>,
    pub(crate) presence: Presence,
}

/// A field as its schema states it, in plain text and JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stated {
    pub(crate) description: String,
    pub(crate) examples: Vec<Value>,
    /// The only numbers or booleans.
    pub(crate) values: Vec<Value>,
    /// The bounds of a number: `0 to 1`.
    pub(crate) range: Option<String>,
    /// Other requirements: `at most 800 characters`.
    pub(crate) limits: Vec<String>,
    pub(crate) is_nullable: bool,
}

impl Stated {
    /// Returns the bytes of its texts and values, roughly.
    pub(crate) fn size(&self) -> usize {
        let values = self.examples.iter().chain(&self.values).map(budget::size);
        self.description.len() + values.sum::<usize>() + self.limits.iter().map(String::len).sum::<usize>()
    }
}

impl<T> Record<T> {
    /// Returns the fields that a request must have.
    pub(crate) fn required(&self) -> impl Iterator<Item = &Field<T>> {
        self.fields.iter().filter(|field| field.is_required())
    }

    /// Returns true if a part has a builder instead of `new`, as the attribute `input_object` decides it.
    pub(crate) fn has_builder(&self) -> bool {
        self.required().count() > 1 || self.required().any(|field| field.presence == Presence::RequiredOrNull)
    }
}

impl<T> Field<T> {
    /// Returns true if a request must have the field. Its value may be null.
    pub(crate) fn is_required(&self) -> bool {
        matches!(self.presence, Presence::Required | Presence::RequiredOrNull)
    }
}

/// The presence of a field in a request or a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    /// Required in a request, and null is a value.
    RequiredOrNull,
    /// Required in a response, but an `Option`, because the type has no empty value for a response that lacks it.
    Expected,
    Optional,
    /// Optional, and an explicit null differs from leaving the field unset.
    Nullable,
}

/// A Rust type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Bool,
    I64,
    I128,
    F64,
    String,
    Json,
    /// A type of the runtime.
    Runtime(&'static str),
    /// A type of this endpoint.
    Local(String),
    List(Box<Type>),
    Map(Box<Type>),
    Boxed(Box<Type>),
    Option(Box<Type>),
    /// A value or an explicit null.
    Nullable(Box<Type>),
}

/// A requirement beyond the type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    /// `Minimum`, `Maximum`, `ExclusiveMinimum`, `ExclusiveMaximum` or `MultipleOf`, and the bound.
    Bound(&'static str, Number),
    /// `MinLength`, `MaxLength`, `MinItems` or `MaxItems`, and the count.
    Count(&'static str, u64),
    /// One of these numbers.
    OneOf(Vec<Number>),
    /// Only this boolean.
    Only(bool),
    /// A regular expression that the runtime's engine supports.
    Pattern(String),
    UniqueItems,
    /// The side of an image size must be set.
    Required,
    /// For each item.
    Items(Vec<Rule>),
    /// For a part of the value: the `width` or `height` of a size; a `file`, with its `size`, `width`, `height`, `area` and
    /// `aspect_ratio`; or all `files` of an array together, with their `size`.
    Part(&'static str, Vec<Rule>),
    /// These values, as JSON, although they break other rules.
    Accepts(Vec<String>),
}

/// A number as the schema has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

/// A set of strings that the service may extend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    /// The names of the variants and their strings.
    pub(crate) values: Vec<(String, String)>,
    /// True if the schema allows any other string too.
    pub(crate) any_string: bool,
}

/// A value of one of several types.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Union<T = Type> {
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) docs: Vec<String>,
    pub(crate) members: Vec<Member<T>>,
}

/// A variant of a union.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member<T = Type> {
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    /// The variant accepts any string.
    pub(crate) any_string: bool,
    /// The keys that select it among objects.
    pub(crate) fit: Fit,
    pub(crate) rules: Vec<Rule>,
    pub(crate) of: T,
}

/// The keys that an object must have to be of a variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fit {
    /// The required keys.
    pub(crate) requires: Vec<String>,
    /// Keys whose strings distinguish the variant, each with the strings that it may have.
    pub(crate) tags: Vec<(String, Vec<String>)>,
}

impl Type {
    /// Returns the type without `Option`, `Nullable` and `Box`.
    pub(crate) fn bare(&self) -> &Type {
        match self {
            Type::Option(inner) | Type::Nullable(inner) | Type::Boxed(inner) => inner.bare(),
            other => other,
        }
    }

    /// Returns the type of the items of a list or the values of a map.
    pub(crate) fn item(&self) -> &Type {
        match self {
            Type::List(item) | Type::Map(item) => item,
            other => other,
        }
    }

    /// Returns true if the same rules apply to values of both types.
    pub(crate) fn is_bounded_like(&self, other: &Type) -> bool {
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
    pub(crate) fn to_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }
}

impl Rule {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Rule::Bound(name, _) | Rule::Count(name, _) => name,
            Rule::OneOf(_) => "OneOf",
            Rule::Only(_) => "Only",
            Rule::Pattern(_) => "Pattern",
            Rule::UniqueItems => "UniqueItems",
            Rule::Required => "Required",
            Rule::Items(_) => "Items",
            Rule::Part(name, _) => name,
            Rule::Accepts(_) => "Accepts",
        }
    }

    pub(crate) fn value(&self) -> String {
        match self {
            Rule::Bound(_, bound) => bound.to_string(),
            Rule::Count(_, count) => count.to_string(),
            Rule::OneOf(numbers) => numbers.iter().map(Number::to_string).collect::<Vec<_>>().join(", "),
            Rule::Only(only) => only.to_string(),
            Rule::Pattern(pattern) => pattern.clone(),
            Rule::UniqueItems | Rule::Required => "true".to_owned(),
            Rule::Accepts(values) => values.join(", "),
            Rule::Items(rules) | Rule::Part(_, rules) => {
                rules.iter().map(|rule| format!("{} {}", rule.name(), rule.value())).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Returns the number of bounds and values in the rule.
    pub(crate) fn parts(&self) -> usize {
        match self {
            Rule::OneOf(numbers) => numbers.len(),
            Rule::Accepts(values) => values.len(),
            rule => 1 + rule.inner().iter().map(Rule::parts).sum::<usize>(),
        }
    }

    /// Returns the rules for the parts of the value.
    pub(crate) fn inner(&self) -> &[Rule] {
        match self {
            Rule::Items(rules) | Rule::Part(_, rules) => rules,
            _ => &[],
        }
    }

    /// Returns true if every value that the other rule of this name allows is allowed.
    pub(crate) fn allows_all_of(&self, other: &Rule) -> bool {
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
