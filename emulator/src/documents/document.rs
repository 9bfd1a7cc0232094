use serde_json::{Map, Value, json};

use crate::documents::rewrite::rewrite;

/// One fal OpenAPI document: an endpoint's id and what goes in and comes out.
#[derive(Debug)]
pub(crate) struct Document {
    /// `fal-ai/flux/dev/image-to-image`.
    pub(crate) id: String,
    /// The schema of the request body.
    pub(crate) input: Value,
    /// The schema of the result.
    pub(crate) output: Value,
    /// What the document gives as an example of a result.
    pub(crate) example: Option<Value>,
    /// `{"components": {"schemas": …}}`, where the references of `input` and `output` lead.
    pub(crate) root: Value,
}

impl Document {
    /// Reads a document. The error says what is missing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let paths = document.get("paths").and_then(Value::as_object).ok_or("not an OpenAPI document: no `paths`")?;
        let id = id(&document, paths)?;
        let schemas = document.pointer("/components/schemas").cloned().unwrap_or_else(|| json!({}));
        let original = json!({ "components": { "schemas": schemas } });

        let body = paths
            .values()
            .find_map(|path| path.pointer("/post/requestBody/content"))
            .ok_or("no POST operation with a request body")?;
        let result = paths
            .iter()
            .find(|(path, _)| path.ends_with("/requests/{request_id}"))
            .and_then(|(_, path)| path.pointer("/get/responses/200/content"))
            .ok_or("no GET operation `…/requests/{request_id}` with a 200 response")?;
        let result = media_type(result).ok_or("the 200 response of the result has no media type")?;
        let input =
            media_type(body).and_then(|media_type| media_type.get("schema")).ok_or("the request body has no schema")?;

        let schemas = original["components"]["schemas"].as_object();
        let schemas: Map<String, Value> =
            schemas.into_iter().flatten().map(|(name, schema)| (name.clone(), rewrite(schema, &original))).collect();
        Ok(Document {
            id,
            input: rewrite(input, &original),
            output: rewrite(result.get("schema").unwrap_or(&Value::Bool(true)), &original),
            example: example(result),
            root: json!({ "components": { "schemas": schemas } }),
        })
    }

    /// The part of the id that names the application: two segments, three where the first is a namespace.
    pub(crate) fn app(&self) -> String {
        self.id.split('/').take(app_segments(&self.id)).collect::<Vec<_>>().join("/")
    }

    /// A schema together with what its references need, for a validator.
    pub(crate) fn whole(&self, schema: &Value) -> Value {
        json!({ "allOf": [schema], "components": self.root["components"] })
    }
}

/// How many segments of an id name its application.
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
        .ok_or("no endpoint id: neither `info.x-fal-metadata.endpointId` nor a POST path")?
        .trim_matches('/');
    if id.split('/').count() < app_segments(id) || id.split('/').any(str::is_empty) {
        return Err(format!("`{id}` is not an endpoint id: it has the form `owner/app` or `owner/app/path`"));
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
