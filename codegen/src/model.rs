//! What is generated, as plain data: sorted, printable, complete. Rendering it cannot fail.

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
    /// What stands for the field where it has to be unique among the record's names.
    pub(crate) setter: Setter,
}

impl<T> Field<T> {
    pub(crate) fn is_required(&self) -> bool {
        matches!(self.setter, Setter::State(_))
    }
}

/// How a field is set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setter {
    /// It is optional; the names are those of the setter which takes an `Option` and, where null has a meaning, of the
    /// one which sends null.
    Maybe { maybe: String, null: Option<String> },
    /// It is required; the name is that of its state, a type parameter of the builder.
    State(String),
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
    /// What tells it from the others, as the runtime's macros call it: `string`, `text`, `number`, `boolean`, `list`,
    /// `object` or `image_size`.
    pub(crate) kind: &'static str,
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
