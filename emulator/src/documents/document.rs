use fal_documents::app_segments;
use serde_json::{Map, Value, json};

use crate::documents::bounds;
use crate::documents::rewrite::rewrite;

/// The parts of an endpoint's document that an emulator needs, with schemas for its validator.
#[derive(Debug)]
pub(crate) struct Document {
    /// The endpoint id: `fal-ai/flux/dev/image-to-image`.
    pub(crate) id: String,
    /// fal's category of the endpoint, such as `text-to-image`.
    pub(crate) category: Option<String>,
    /// The OpenAPI document, as JSON. A string takes less memory than a value.
    pub(crate) openapi: String,
    /// The schema of the request body.
    pub(crate) input: Value,
    /// The schema of the result.
    pub(crate) output: Value,
    /// The document's example of a result.
    pub(crate) example: Option<Value>,
    /// `{"components": {"schemas": …}}`, the target of the references in `input` and `output`.
    pub(crate) root: Value,
}

impl Document {
    /// Prepares the schemas of a document. The error says why the emulator cannot serve it.
    pub(crate) fn new(document: fal_documents::Document) -> Result<Self, String> {
        let openapi = document.to_openapi().to_string();
        let fal_documents::Document { id, category, input, output, example, components, .. } = document;
        let original = json!({ "components": { "schemas": components } });
        let bytes = [&input, &output, &original].map(|schema| schema.to_string().len());
        if bytes.iter().sum::<usize>() > bounds::MAX_BYTES {
            return Err(format!("the document exceeds the emulator's limit of {} MiB", bounds::MAX_BYTES >> 20));
        }
        let schemas = original["components"]["schemas"].as_object();
        let schemas: Map<String, Value> =
            schemas.into_iter().flatten().map(|(name, schema)| (name.clone(), rewrite(schema, &original))).collect();
        let document = Document {
            id,
            category,
            openapi,
            input: rewrite(&input, &original),
            output: rewrite(&output, &original),
            example,
            root: json!({ "components": { "schemas": schemas } }),
        };
        bounds::check(&document.root, &[&document.root, &document.input, &document.output])?;
        Ok(document)
    }

    /// Returns the OpenAPI document.
    pub(crate) fn to_json(&self) -> Value {
        serde_json::from_str(&self.openapi).unwrap_or_default()
    }

    /// Returns the application in the id: two segments, or three if the first is a namespace.
    pub(crate) fn app(&self) -> String {
        self.id.split('/').take(app_segments(&self.id)).collect::<Vec<_>>().join("/")
    }

    /// Joins a schema with the targets of its references, for a validator.
    pub(crate) fn with_components(&self, schema: &Value) -> Value {
        json!({ "allOf": [schema], "components": self.root["components"] })
    }
}
