use std::sync::Arc;

use fal_documents::validate::Schemas;
use fal_documents::{Finding, app_segments};
use serde_json::Value;

/// The parts of an endpoint's document that an emulator needs.
#[derive(Debug)]
pub(crate) struct Document {
    /// The endpoint id: `fal-ai/flux/dev/image-to-image`.
    pub(crate) id: String,
    /// fal's category of the endpoint, such as `text-to-image`.
    pub(crate) category: Option<String>,
    /// The OpenAPI document, as JSON. A string takes less memory than a value.
    pub(crate) openapi: String,
    /// The schemas of input and output.
    pub(crate) schemas: Arc<Schemas>,
    /// The document's example of a result.
    pub(crate) example: Option<Value>,
}

impl Document {
    /// Prepares the schemas of a document. The error says why the emulator cannot serve it.
    pub(crate) fn new(document: fal_documents::Document) -> Result<Self, Finding> {
        let openapi = document.to_openapi().to_string();
        let schemas = Arc::new(Schemas::new(&document)?);
        let fal_documents::Document { id, category, example, .. } = document;
        Ok(Document { id, category, openapi, schemas, example })
    }

    /// Returns the OpenAPI document.
    pub(crate) fn to_json(&self) -> Value {
        serde_json::from_str(&self.openapi).unwrap_or_default()
    }

    /// Returns the application in the id: two segments, or three if the first is a namespace.
    pub(crate) fn app(&self) -> String {
        self.id.split('/').take(app_segments(&self.id)).collect::<Vec<_>>().join("/")
    }
}
