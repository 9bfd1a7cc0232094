//! What is generated, as plain data: sorted, printable, complete. Rendering it cannot fail.

use std::fmt;

/// An endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) category: Option<String>,
    pub(crate) items: Vec<Item>,
    /// Every decision that lost something, for REPORT.md.
    pub(crate) notes: Vec<String>,
}

impl Endpoint {
    /// The record `Input`.
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
    /// An `Input` or `Output` of which the schema says nothing.
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
}

/// Which way a type travels. What travels both ways has an input's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Input,
    Output,
}

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The endpoint's `Input`, which has a builder.
    Input,
    /// A record inside the input, which has `new` and setters.
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
    /// The schema's prose.
    pub(crate) docs: Vec<String>,
    /// What else is known: the default and the bounds, and what was lost; a paragraph each.
    pub(crate) facts: Vec<String>,
    /// What the service takes if the field is not set, as JSON.
    pub(crate) default: Option<String>,
    pub(crate) kind: T,
    pub(crate) rules: Vec<Rule>,
    pub(crate) presence: Presence,
}

impl<T> Field<T> {
    pub(crate) fn is_required(&self) -> bool {
        self.presence == Presence::Required
    }
}

/// The values that a field can be without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
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
    /// A value to which null means something.
    Nullable(Box<Type>),
}

/// What a schema demands beyond the type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    /// `Minimum`, `Maximum`, `ExclusiveMinimum`, `ExclusiveMaximum` or `MultipleOf`, and the bound.
    Bound(&'static str, Number),
    /// `MinLength`, `MaxLength`, `MinItems` or `MaxItems`, and the count.
    Count(&'static str, u64),
    /// One of these numbers.
    OneOf(Vec<Number>),
    /// This truth value only.
    Only(bool),
    /// A regular expression, which the runtime's engine is known to take.
    Pattern(String),
    UniqueItems,
    /// For each item.
    Items(Vec<Rule>),
    /// For the width of an image size.
    Width(Vec<Rule>),
    /// For the height of an image size.
    Height(Vec<Rule>),
}

/// A number as the schema has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

/// A set of texts that the service may extend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    /// The variants' names and texts.
    pub(crate) values: Vec<(String, String)>,
    /// Whether the schema allows any other text too.
    pub(crate) any_text: bool,
}

/// A value of one of several forms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Union<T = Type> {
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) docs: Vec<String>,
    pub(crate) members: Vec<Member<T>>,
}

/// A form of a union.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member<T = Type> {
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    /// The variant accepts any string.
    pub(crate) any_string: bool,
    /// What tells it from the others that are objects.
    pub(crate) fit: Fit,
    pub(crate) rules: Vec<Rule>,
    pub(crate) of: T,
}

/// What an object must have to be of a form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fit {
    /// The keys that it must have.
    pub(crate) requires: Vec<String>,
    /// A key and the texts that it may have.
    pub(crate) tags: Vec<(String, Vec<String>)>,
}

impl Item {
    pub(crate) fn docs(&self) -> &[String] {
        match self {
            Item::Record(Record { docs, .. }) | Item::Enum(Enum { docs, .. }) | Item::Union(Union { docs, .. }) => docs,
            Item::FreeForm { docs, .. } => docs,
        }
    }

    pub(crate) fn words(&self) -> String {
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
    pub(crate) fn bare(&self) -> &Type {
        match self {
            Type::Option(inner) | Type::Nullable(inner) | Type::Boxed(inner) => inner.bare(),
            other => other,
        }
    }

    /// What a list or map holds.
    pub(crate) fn item(&self) -> &Type {
        match self {
            Type::List(item) | Type::Map(item) => item,
            other => other,
        }
    }

    /// Whether a bound means the same for a value of the other type.
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
            Rule::Items(_) => "Items",
            Rule::Width(_) => "Width",
            Rule::Height(_) => "Height",
        }
    }

    pub(crate) fn value(&self) -> String {
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
    pub(crate) fn inner(&self) -> &[Rule] {
        match self {
            Rule::Items(rules) | Rule::Width(rules) | Rule::Height(rules) => rules,
            _ => &[],
        }
    }

    /// Whether what another rule of its name allows is allowed.
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
