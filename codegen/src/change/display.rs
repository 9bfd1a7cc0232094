//! The words of a change report.

use std::fmt;

use super::{Change, ChangeKind};

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { endpoint, path, kind, .. } = self;
        match kind {
            ChangeKind::EndpointAdded | ChangeKind::EndpointRemoved => write!(f, "{endpoint}: {kind}"),
            _ => write!(f, "{endpoint}: {path}: {kind}"),
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        match self {
            ChangeKind::EndpointAdded => write!(f, "endpoint added"),
            ChangeKind::EndpointRemoved => write!(f, "endpoint removed"),
            ChangeKind::FieldAdded { required: true } => write!(f, "required field added"),
            ChangeKind::FieldAdded { required: false } => write!(f, "field added"),
            ChangeKind::FieldRemoved => write!(f, "field removed"),
            ChangeKind::BecameRequired => write!(f, "field became required"),
            ChangeKind::BecameOptional => write!(f, "field became optional: its type is an Option now"),
            ChangeKind::Type { from, to } => write!(f, "type changed from {from} to {to}"),
            ChangeKind::Name { from, to } => write!(f, "{from} was renamed to {to}"),
            ChangeKind::ValueAdded(value) => write!(f, "value added: {value}"),
            ChangeKind::ValueRemoved(value) => write!(f, "value removed: {value}"),
            ChangeKind::VariantAdded(variant) => write!(f, "variant added: {variant}"),
            ChangeKind::VariantRemoved(variant) => write!(f, "variant removed: {variant}"),
            ChangeKind::Null { allowed: true } => write!(f, "null became allowed: the field is Nullable now"),
            ChangeKind::Null { allowed: false } => write!(f, "null is not allowed any more: the field is not Nullable"),
            ChangeKind::Bound { rule, from, to } => {
                write!(f, "{rule} changed from {} to {}", or_none(from), or_none(to))
            }
            ChangeKind::Default { from, to } => write!(f, "default changed from {} to {}", or_none(from), or_none(to)),
            ChangeKind::Prose => write!(f, "documentation changed"),
        }
    }
}
