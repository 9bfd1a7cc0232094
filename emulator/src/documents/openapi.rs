use serde_json::{Value, json};

/// Builds the OpenAPI document of an endpoint, as fal serves it.
pub(super) fn openapi(document: &fal_documents::Document) -> Value {
    let fal_documents::Document { id, category, input, output, example, components, .. } = document;
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
    let request_id = json!([{ "name": "request_id", "in": "path", "required": true, "schema": { "type": "string" } }]);
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
