//! Comparison of two versions of a document.

mod compare;
mod display;

pub use compare::changes;

/// A difference between two versions of an endpoint's document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Change {
    /// The endpoint's id.
    pub endpoint: String,
    /// Where it is: `input.loras[].scale`; `input` or `output` for the whole.
    pub path: String,
    /// What has changed.
    pub kind: ChangeKind,
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
pub enum ChangeKind {
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
    VariantAdded(String),
    /// A form of a union is gone.
    VariantRemoved(String),
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
