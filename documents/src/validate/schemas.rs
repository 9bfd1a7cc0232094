use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::finding::Finding;
use crate::validate::bounds;
use crate::validate::rewrite::rewrite;

/// The schemas of a document as JSON Schema 2020-12, within bounds that keep a validation short.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Schemas {
    /// The id of the endpoint.
    pub id: String,
    /// The schema of the request body.
    pub input: Value,
    /// The schema of the result.
    pub output: Value,
    /// `{"components": {"schemas": …}}`, the target of the references in `input` and `output`.
    pub root: Value,
}

impl Schemas {
    /// Converts the schemas of a document.
    ///
    /// # Errors
    ///
    /// The document exceeds a bound on its size, or on the schemas that it combines.
    pub fn new(document: &Document) -> Result<Self, Finding> {
        let refuse = |reason: String| Finding::new(&document.file, "", reason);
        let original = json!({ "components": { "schemas": document.components } });
        let bytes = [&document.input, &document.output, &original].map(|schema| schema.to_string().len());
        if bytes.iter().sum::<usize>() > bounds::MAX_BYTES {
            return Err(refuse(format!("the document exceeds the limit of {} MiB", bounds::MAX_BYTES >> 20)));
        }
        let components: Map<String, Value> =
            document.components.iter().map(|(name, schema)| (name.clone(), rewrite(schema, &original))).collect();
        let schemas = Schemas {
            id: document.id.clone(),
            input: rewrite(&document.input, &original),
            output: rewrite(&document.output, &original),
            root: json!({ "components": { "schemas": components } }),
        };
        bounds::check(&schemas.root, &[&schemas.root, &schemas.input, &schemas.output]).map_err(refuse)?;
        Ok(schemas)
    }

    /// Joins a schema with the targets of its references.
    pub(super) fn with_components(&self, schema: &Value) -> Value {
        json!({ "allOf": [schema], "components": self.root["components"] })
    }
}

/// Returns the target of a reference such as `#/components/schemas/Image`.
pub fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#')?;
    let pointer = percent_decode_str(pointer).decode_utf8().ok()?;
    root.pointer(&pointer)
}
