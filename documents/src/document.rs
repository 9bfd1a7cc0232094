use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::finding::Finding;

/// An endpoint's schemas.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Document {
    /// The file, as findings name it.
    pub file: PathBuf,
    /// The JSON pointer of the document in the file.
    pub at: String,
    /// The endpoint's id, `fal-ai/flux/dev/redux`.
    pub id: String,
    /// The JSON pointer of what states the id: a value, or the path of the endpoint.
    pub id_at: String,
    /// fal's category of the endpoint, such as `text-to-image`.
    pub category: Option<String>,
    /// The schema of the request body.
    pub input: Value,
    /// The schema of the result. An empty object if the document has none.
    pub output: Value,
    /// The document's example of a result.
    pub example: Option<Value>,
    /// The schemas that others refer to, by name.
    pub components: Map<String, Value>,
    /// The JSON pointer of the components.
    pub components_at: String,
}

impl Document {
    /// Builds the endpoint's OpenAPI document, in the form that fal serves.
    pub fn to_openapi(&self) -> Value {
        let Document { id, category, input, output, example, components, .. } = self;
        let content = |schema: &Value| json!({ "application/json": { "schema": schema } });
        let mut result = content(output);
        if let Some(example) = example {
            result["application/json"]["example"] = example.clone();
        }
        let status = content(&json!({
            "type": "object",
            "required": ["status", "request_id"],
            "properties": {
                "status": { "type": "string", "enum": ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"] },
                "request_id": { "type": "string" },
            },
        }));
        let cancelled = content(&json!({ "type": "object", "properties": { "status": { "type": "string" } } }));
        let request_id =
            json!([{ "name": "request_id", "in": "path", "required": true, "schema": { "type": "string" } }]);
        let response = |content: &Value| json!({ "200": { "description": "OK", "content": content } });
        let path = format!("/{id}/requests/{{request_id}}");
        json!({
            "openapi": "3.0.4",
            "info": {
                "title": format!("Queue OpenAPI for {id}"),
                "version": "1.0.0",
                "x-fal-metadata": { "endpointId": id, "category": category },
            },
            "servers": [{ "url": "https://queue.fal.run" }],
            "security": [{ "apiKeyAuth": [] }],
            "components": {
                "securitySchemes": { "apiKeyAuth": { "type": "apiKey", "in": "header", "name": "Authorization" } },
                "schemas": components,
            },
            "paths": {
                format!("/{id}"): {
                    "post": { "requestBody": { "required": true, "content": content(input) }, "responses": response(&status) },
                },
                format!("{path}/status"): { "get": { "parameters": request_id, "responses": response(&status) } },
                format!("{path}/cancel"): { "put": { "parameters": request_id, "responses": response(&cancelled) } },
                path: { "get": { "parameters": request_id, "responses": response(&result) } },
            },
        })
    }
}

/// The contents of a file.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Contents {
    /// The documents of the file, in its order.
    pub documents: Vec<Document>,
    /// The ids of endpoints that fal has no document of, with fal's reason.
    pub undocumented: Vec<(String, Option<String>)>,
    /// Likely mistakes that are not errors: the first key that an object of the file has twice, unknown keys of short forms, their
    /// schemas without any keyword for values, inputs whose component is missing, and definitions in an OpenAPI document that
    /// differ from the component of their name.
    pub mistakes: Vec<Finding>,
}

/// The pointer of the endpoint's id.
pub(crate) const ENDPOINT_ID: &str = "/info/x-fal-metadata/endpointId";

/// Returns the component that a `$ref` names.
///
/// Any other target is returned as it is. No component has such a name.
pub fn component(reference: &str) -> &str {
    let prefixes = ["#/components/schemas/", "#/definitions/", "#/$defs/"];
    prefixes.iter().find_map(|prefix| reference.strip_prefix(prefix)).unwrap_or(reference)
}
