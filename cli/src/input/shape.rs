//! The values that a place in an input takes, from the description of the endpoint.

use fal_codegen::{Field, Kind, Variant};
use serde_json::Value;

use super::path::Step;

/// The values of a field, of an item, or of the whole input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    pub(super) kind: &'a Kind,
    pub(super) is_nullable: bool,
    /// The declared values.
    pub(super) values: &'a [Value],
    fields: &'a [Field],
    variants: &'a [Variant],
}

/// A place about which the document says nothing.
pub(super) const ANY: Shape<'static> =
    Shape { kind: &Kind::Json, is_nullable: true, values: &[], fields: &[], variants: &[] };

impl<'a> Shape<'a> {
    /// Returns the shape of an input.
    pub(super) fn of_input(fields: &'a [Field]) -> Self {
        match fields.is_empty() {
            true => ANY,
            false => Shape { kind: &Kind::Object, is_nullable: false, fields, ..ANY },
        }
    }

    fn of_field(field: &'a Field) -> Self {
        let Field { kind, nullable, values, fields, variants, .. } = field;
        Shape { kind, is_nullable: *nullable, values, fields, variants }
    }

    fn of_variant(variant: &'a Variant) -> Self {
        let Variant { kind, values, fields, variants, .. } = variant;
        Shape { kind, is_nullable: false, values, fields, variants }
    }

    /// Returns the shapes that a value may have: the variants of a union, or the shape itself.
    pub(super) fn alternatives(self) -> Vec<Shape<'a>> {
        match self.kind {
            Kind::Union(_) if !self.variants.is_empty() => {
                self.variants.iter().flat_map(|variant| Shape::of_variant(variant).alternatives()).collect()
            }
            Kind::Union(kinds) => kinds.iter().map(|kind| Shape { kind, ..self }).collect(),
            _ => vec![self],
        }
    }

    /// Returns the shape of the items of an array.
    pub(super) fn item(self) -> Option<Shape<'a>> {
        self.alternatives().into_iter().find_map(|shape| match shape.kind {
            Kind::Array(item) => Some(Shape { kind: item, is_nullable: false, ..shape }),
            _ => None,
        })
    }

    /// Returns the shape below a step.
    pub(super) fn inside(self, step: &Step) -> Shape<'a> {
        let inner = match step {
            Step::Index(_) | Step::Append => self.item(),
            Step::Name(name) => self.alternatives().into_iter().find_map(|shape| match shape.kind {
                Kind::Object => shape.fields.iter().find(|field| field.name == *name).map(Shape::of_field),
                Kind::Map(value) => Some(Shape { kind: value, is_nullable: false, ..shape }),
                _ => None,
            }),
        };
        inner.unwrap_or(ANY)
    }

    /// Returns true if a value may be a file.
    pub(super) fn is_file(self) -> bool {
        self.alternatives().iter().any(|shape| *shape.kind == Kind::File)
    }

    /// Returns true if a value is a file, or null.
    pub(super) fn is_only_file(self) -> bool {
        self.alternatives().iter().all(|shape| *shape.kind == Kind::File)
    }

    /// Returns true if a value is an array, or null.
    pub(super) fn is_only_array(self) -> bool {
        self.alternatives().iter().all(|shape| matches!(shape.kind, Kind::Array(_)))
    }

    /// Returns true if the shape is an object with this field.
    pub(super) fn has(self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }
}
