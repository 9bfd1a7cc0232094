use std::fmt;

use super::{Change, ChangeKind};

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { endpoint, path, .. } = self;
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        match &self.kind {
            ChangeKind::EndpointAdded => write!(f, "{endpoint}: a new endpoint"),
            ChangeKind::EndpointRemoved => write!(f, "{endpoint}: the endpoint is gone"),
            kind => {
                write!(f, "{endpoint}: {path}: ")?;
                match kind {
                    ChangeKind::FieldAdded { required: true } => write!(f, "a new field, which is required"),
                    ChangeKind::FieldAdded { required: false } => write!(f, "a new field"),
                    ChangeKind::FieldRemoved => write!(f, "the field is gone"),
                    ChangeKind::BecameRequired => write!(f, "the field is required now"),
                    ChangeKind::BecameOptional => write!(f, "the field is not required any more: it is an Option now"),
                    ChangeKind::Type { from, to } => write!(f, "the type was {from} and is {to}"),
                    ChangeKind::Name { from, to } => write!(f, "{from} is called {to} now"),
                    ChangeKind::ValueAdded(value) => write!(f, "a new value {value}"),
                    ChangeKind::ValueRemoved(value) => write!(f, "the value {value} is gone"),
                    ChangeKind::VariantAdded(form) => write!(f, "a new form {form}"),
                    ChangeKind::VariantRemoved(form) => write!(f, "the form {form} is gone"),
                    ChangeKind::Order => write!(f, "`new` takes its arguments in another order"),
                    ChangeKind::Null { allowed: true } => write!(f, "null can be sent: the field is Nullable now"),
                    ChangeKind::Null { allowed: false } => {
                        write!(f, "null cannot be sent any more: the field is not Nullable")
                    }
                    ChangeKind::Bound { rule, from, to } => {
                        write!(f, "{rule} was {} and is {}", or_none(from), or_none(to))
                    }
                    ChangeKind::Default { from, to } => {
                        write!(f, "the default was {} and is {}", or_none(from), or_none(to))
                    }
                    _ => write!(f, "other words"),
                }
            }
        }
    }
}
