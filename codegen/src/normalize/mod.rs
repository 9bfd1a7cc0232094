//! The second stage: a document's schemas become simpler JSON that means the same. A pass a file.

mod all_of;
mod nulls;

use serde_json::Value;

use crate::document::Document;

/// Whether null is allowed, after normalisation.
pub(crate) const NULLABLE: &str = "nullable";

/// Runs every pass over every schema of a document.
pub(crate) fn normalize(document: &mut Document) {
    let schemas = [&mut document.input, &mut document.output].into_iter();
    for schema in schemas.chain(document.components.values_mut()) {
        everywhere(schema, &mut |schema| {
            all_of::unwrap(schema);
            nulls::unite(schema);
        });
    }
}

/// Applies a pass to every object in a schema, the innermost first. Depth is bounded by the JSON parser's own limit.
fn everywhere(value: &mut Value, pass: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(object) => object.values_mut().for_each(|value| everywhere(value, pass)),
        Value::Array(list) => list.iter_mut().for_each(|value| everywhere(value, pass)),
        _ => return,
    }
    if value.is_object() {
        pass(value);
    }
}
