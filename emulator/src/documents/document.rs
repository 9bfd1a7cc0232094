use serde_json::{Map, Value, json};

use crate::documents::bounds;
use crate::documents::rewrite::rewrite;

/// The parts of a fal OpenAPI document that an emulator needs.
#[derive(Debug)]
pub(crate) struct Document {
    /// The endpoint id: `fal-ai/flux/dev/image-to-image`.
    pub(crate) id: String,
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
    /// Parses a document. The error says what is missing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > bounds::MAX_BYTES {
            return Err(format!("the document exceeds the emulator's limit of {} MiB", bounds::MAX_BYTES >> 20));
        }
        let document: Value = serde_json::from_str(text).map_err(|error| format!("invalid JSON: {error}"))?;
        let paths =
            document.get("paths").and_then(Value::as_object).ok_or("not an OpenAPI document: `paths` is missing")?;
        let id = id(&document, paths)?;
        let schemas = document.pointer("/components/schemas").cloned().unwrap_or_else(|| json!({}));
        let original = json!({ "components": { "schemas": schemas } });

        let body = paths
            .values()
            .find_map(|path| path.pointer("/post/requestBody/content"))
            .ok_or("missing POST operation with a request body")?;
        let result = paths
            .iter()
            .find(|(path, _)| path.ends_with("/requests/{request_id}"))
            .and_then(|(_, path)| path.pointer("/get/responses/200/content"))
            .ok_or("missing GET operation `…/requests/{request_id}` with a 200 response")?;
        let result = media_type(result).ok_or("the 200 response of the result operation has no content")?;
        let input =
            media_type(body).and_then(|media_type| media_type.get("schema")).ok_or("the request body has no schema")?;

        let schemas = original["components"]["schemas"].as_object();
        let schemas: Map<String, Value> =
            schemas.into_iter().flatten().map(|(name, schema)| (name.clone(), rewrite(schema, &original))).collect();
        let document = Document {
            id,
            input: rewrite(input, &original),
            output: rewrite(result.get("schema").unwrap_or(&Value::Bool(true)), &original),
            example: example(result),
            root: json!({ "components": { "schemas": schemas } }),
        };
        bounds::check(&document.root, &[&document.root, &document.input, &document.output])?;
        Ok(document)
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

/// Returns the number of segments that name the application of an id.
pub(crate) fn app_segments(id: &str) -> usize {
    match id.split('/').next() {
        Some("workflows" | "comfy") => 3,
        _ => 2,
    }
}

fn id(document: &Value, paths: &Map<String, Value>) -> Result<String, String> {
    let stated = document.pointer("/info/x-fal-metadata/endpointId").and_then(Value::as_str);
    let posted = || paths.iter().find(|(_, path)| path.get("post").is_some()).map(|(path, _)| path.as_str());
    let id = stated
        .or_else(posted)
        .ok_or("missing endpoint id: expected `info.x-fal-metadata.endpointId` or a POST path")?
        .trim_matches('/');
    if id.split('/').count() < app_segments(id) || id.split('/').any(str::is_empty) {
        return Err(format!("invalid endpoint id `{id}`: expected `owner/app` or `owner/app/path`"));
    }
    Ok(id.to_owned())
}

fn media_type(content: &Value) -> Option<&Value> {
    content.get("application/json").or_else(|| content.as_object()?.values().next())
}

fn example(media_type: &Value) -> Option<Value> {
    if let Some(example) = media_type.get("example") {
        return Some(example.clone());
    }
    match media_type.get("examples")? {
        Value::Array(examples) => examples.first().cloned(),
        Value::Object(examples) => examples.values().find_map(|example| example.get("value")).cloned(),
        _ => None,
    }
}
