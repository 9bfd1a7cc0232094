//! The second stage: a document's schemas become simpler JSON that means the same. A pass a file.

mod all_of;
mod constants;
mod nulls;

use serde_json::Value;

use crate::document::Document;

/// Whether null is allowed, after normalisation.
pub(crate) const NULLABLE: &str = "nullable";

/// Runs every pass over every schema of a document.
pub(crate) fn normalize(document: &mut Document) {
    let schemas = [&mut document.input, &mut document.output].into_iter();
    for schema in schemas.chain(document.components.values_mut()) {
        everywhere(schema);
    }
}

/// Simplifies what is inside a schema, and then the schema. Depth is bounded by the JSON parser's own limit.
fn everywhere(schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else { return };
    for (keyword, value) in keywords {
        // Only what is a schema: a default, an example or a property's name may look like a keyword.
        match (keyword.as_str(), value) {
            ("items" | "additionalProperties", value) => everywhere(value),
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(everywhere),
            ("allOf" | "anyOf" | "oneOf", Value::Array(members)) => members.iter_mut().for_each(everywhere),
            _ => {}
        }
    }
    all_of::unwrap(schema);
    constants::list(schema);
    nulls::unite(schema);
}
