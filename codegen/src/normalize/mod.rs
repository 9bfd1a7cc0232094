//! The *normalize* stage: schemas become simpler JSON with the same meaning. Each file is a pass.

mod all_of;
pub(crate) mod bounds;
mod constants;
mod descriptions;
mod enums;
mod examples;
mod kinds;
mod nulls;
mod references;
mod tuples;

use fal_documents::budget::{self, Budget, MAX_DEPTH};
use fal_documents::pointer::escape;
use fal_documents::{Document, Finding};
use serde_json::{Map, Value};

use crate::budget::MAX_SCHEMAS;
use crate::refusals;

/// Runs every pass over every schema of a document. Fails if the schemas are too large, or would be with `allOf` merged.
pub(crate) fn normalize(document: &mut Document) -> Result<(), Finding> {
    let schemas = [&mut document.input, &mut document.output].into_iter();
    for schema in schemas.chain(document.components.values_mut()) {
        references::unescape(schema);
        enums::limit(schema);
        descriptions::cut(schema);
    }
    let schemas = [&document.input, &document.output].into_iter();
    let size = schemas.chain(document.components.values()).map(budget::size).sum();
    let mut budget = Budget::new(MAX_SCHEMAS);
    if !budget.spend(size) {
        return Err(Finding::new(&document.file, &document.id_at, refusals::too_large(&document.id)));
    }
    let mut merges = all_of::Merges::new(document, budget);
    for schema in [&mut document.input, &mut document.output] {
        everywhere(schema, None, 0, &mut merges);
    }
    if merges.has_exceeded() {
        return Err(Finding::new(&document.file, &document.id_at, refusals::too_large(&document.id)));
    }
    for (name, component) in &mut document.components {
        everywhere(component, Some(name), 0, &mut merges);
        if merges.has_exceeded() {
            let at = format!("{}/{}", document.components_at, escape(name));
            return Err(Finding::new(&document.file, at, refusals::too_large(&document.id)));
        }
    }
    examples::declare(document);
    Ok(())
}

/// Simplifies a schema and the schemas inside it. Deeper ones than a document can have are the result of merging without end,
/// and stay as they are.
fn everywhere(schema: &mut Value, component: Option<&str>, depth: usize, merges: &mut all_of::Merges) {
    let Some(object) = schema.as_object_mut().filter(|_| depth < MAX_DEPTH) else { return };
    let entered = merges.enter(object, component);
    tuples::list(object);
    constants::list(object);
    for (keyword, value) in object.iter_mut() {
        // Only keywords with schemas: a default or an example may contain the same keys.
        match (keyword.as_str(), value) {
            ("items" | "additionalProperties", value) => everywhere(value, None, depth + 1, merges),
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|property| everywhere(property, None, depth + 1, merges));
            }
            ("anyOf" | "oneOf", Value::Array(members)) => {
                members.iter_mut().for_each(|member| everywhere(member, None, depth + 1, merges));
            }
            _ => {}
        }
    }
    merges.leave(&entered);
    nulls::unite(object);
    kinds::state(object);
    bounds::rename(object);
}

/// Merges a schema into the one around it, whose keywords take precedence.
fn absorb(outer: &mut Map<String, Value>, inner: Map<String, Value>) {
    for (keyword, value) in inner {
        outer.entry(keyword).or_insert(value);
    }
}
