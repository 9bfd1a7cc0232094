//! The *normalize* stage: schemas become simpler JSON with the same meaning. Each file is a pass.

mod all_of;
mod constants;
mod examples;
mod kinds;
mod nulls;
mod references;
mod tuples;

use serde_json::{Map, Value};

use crate::document::Document;

/// Runs every pass over every schema of a document.
pub(crate) fn normalize(document: &mut Document) {
    let schemas = [&mut document.input, &mut document.output].into_iter();
    schemas.chain(document.components.values_mut()).for_each(references::unescape);
    let mut merges = all_of::Merges::new(document);
    let schemas = [&mut document.input, &mut document.output].into_iter();
    for schema in schemas.chain(document.components.values_mut()) {
        everywhere(schema, &mut merges);
    }
    examples::declare(document);
}

/// Simplifies a schema and the schemas inside it. The JSON parser has limited the depth already.
fn everywhere(schema: &mut Value, merges: &mut all_of::Merges) {
    let Some(object) = schema.as_object_mut() else { return };
    merges.merge(object);
    tuples::list(object);
    constants::list(object);
    for (keyword, value) in object.iter_mut() {
        // Only keywords with schemas: a default or an example may contain the same keys.
        match (keyword.as_str(), value) {
            ("items" | "additionalProperties", value) => everywhere(value, merges),
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|property| everywhere(property, merges));
            }
            ("anyOf" | "oneOf", Value::Array(members)) => {
                members.iter_mut().for_each(|member| everywhere(member, merges));
            }
            _ => {}
        }
    }
    nulls::unite(object);
    kinds::state(object);
}

/// Merges a schema into the one around it, whose keywords take precedence.
fn absorb(outer: &mut Map<String, Value>, inner: Map<String, Value>) {
    for (keyword, value) in inner {
        outer.entry(keyword).or_insert(value);
    }
}
