//! The documents, from a folder or synthetic.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::measure::{Done, files};

pub(crate) fn read(folder: &Path) -> Done<Vec<String>> {
    files(folder)?.into_iter().map(|file| Ok(fs::read_to_string(file)?)).collect()
}

/// Chooses documents from all parts of those that were found, or makes synthetic ones if there are too few.
pub(crate) fn choose(found: &[String], count: usize) -> Vec<String> {
    match found.len() < count {
        true => (0..count).map(|number| synthetic(number).to_string()).collect(),
        false => found.iter().step_by(found.len() / count.max(1)).take(count).cloned().collect(),
    }
}

/// Makes a document of a common shape.
fn synthetic(number: usize) -> Value {
    let id = format!("acme/app-{}/v{number}", number / 5);
    let mut properties = json!({
        "prompt": { "type": "string", "description": "The content of the image." },
        "image_url": { "type": "string", "description": "The image to start from." },
        "image_size": { "anyOf": [{ "$ref": "#/components/schemas/ImageSize" }, { "type": "string", "enum": ["square", "wide"] }] },
        "loras": { "type": "array", "items": { "$ref": "#/components/schemas/LoraWeight" }, "default": [] },
        "output_format": { "type": "string", "enum": ["png", "jpeg"], "default": "png" },
    });
    for field in 0..10 {
        properties[format!("number_{field}")] = json!({ "type": "number", "minimum": 0, "maximum": number + field, "default": 0, "description": "A number." });
    }
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required });
    let body = |name: &str| json!({ "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } } });
    let integer = json!({ "type": "integer", "minimum": 1 });
    json!({
        "info": { "x-fal-metadata": { "endpointId": id } },
        "paths": {
            format!("/{id}"): { "post": { "requestBody": body("AppInput") } },
            format!("/{id}/requests/{{request_id}}"): { "get": { "responses": { "200": body("AppOutput") } } },
        },
        "components": { "schemas": {
            "AppInput": object(properties, &["prompt", "image_url"]),
            "AppOutput": object(json!({ "images": { "type": "array", "items": { "$ref": "#/components/schemas/Image" } }, "seed": integer }), &["images"]),
            "ImageSize": object(json!({ "width": integer, "height": integer }), &[]),
            "LoraWeight": object(json!({ "path": { "type": "string" }, "scale": { "type": "number" } }), &["path"]),
            "Image": object(json!({ "url": { "type": "string" }, "width": integer, "height": integer }), &["url"]),
        } },
    })
}
