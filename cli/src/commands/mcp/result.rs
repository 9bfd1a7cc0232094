//! The results of tool calls.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fal_jobs::{Record, SavedFile};
use rmcp::model::{CallToolResult, ContentBlock, Resource};
use serde_json::{Value, json};
use url::Url;

use crate::error::Error;
use crate::layout::plain;
use crate::tool::bounded;

/// The most bytes of images in a result. Claude Desktop rejects results of more than 1 MB, and Base64 adds a third.
const MAX_IMAGES: u64 = 600_000;
/// The longest output as text, in characters.
const MAX_TEXT: usize = 50_000;
/// The longest string in a structured output, in characters. Data URIs are longer.
const MAX_STRING: usize = 20_000;

/// Creates the error of a call, which the model reads and can act on.
pub(super) fn error(message: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(message.into())])
}

/// Returns the message of an error, with its remedy.
pub(super) fn message(error: &Error) -> String {
    match error.to_json()["error"]["help"].as_str() {
        Some(help) => format!("{error}\nhelp: {help}"),
        None => error.to_string(),
    }
}

/// Creates the result of a tool that returns data.
pub(super) fn data(value: &Value) -> CallToolResult {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(value.clone());
    result
}

/// Creates the result of a job that is not finished.
pub(super) fn running(record: &Record) -> CallToolResult {
    let (endpoint, key) = (plain(&record.endpoint), plain(&record.key));
    let text = format!(
        "The job of {endpoint} is still running. Call job_result with job \"{key}\" to wait for its result, or job_cancel to \
         cancel it. Do not start it again."
    );
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(json!({ "status": "running", "job": key, "request_id": record.request_id }));
    result
}

/// Creates the result of a completed job, and returns the saved files for the list of resources.
///
/// `note` says why files are missing. Clients of old protocol versions do not know links.
pub(super) async fn completed(
    record: &Record,
    out: &Path,
    note: Option<&str>,
    with_links: bool,
) -> (CallToolResult, Vec<Resource>) {
    let output: Value = record.output.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let output = shortened(output);
    let cost = record.cost().map(|cost| cost.to_string());
    let mut text = format!("Completed {}", plain(&record.endpoint));
    if let Some(id) = &record.request_id {
        text.push_str(&format!(" as request {}", plain(id)));
    }
    match &cost {
        Some(cost) if record.is_cost_estimated() => text.push_str(&format!(" for about {cost}")),
        Some(cost) => text.push_str(&format!(" for {cost}")),
        None => {}
    }
    text.push_str(".\n");
    let (mut files, mut links, mut images) = (Vec::new(), Vec::new(), Vec::new());
    let mut left = MAX_IMAGES;
    for file in record.files() {
        let Some(saved) = Saved::new(&file, out) else { continue };
        text.push_str(&format!("{}: {} ({} bytes)\n", plain(&file.path), saved.path, file.size));
        if saved.is_image()
            && file.size <= left
            && let Ok(bytes) = tokio::fs::read(&saved.path).await
            && u64::try_from(bytes.len()).is_ok_and(|size| size <= left)
        {
            left = left.saturating_sub(file.size);
            images.push(ContentBlock::image(STANDARD.encode(bytes), saved.content_type.clone().unwrap_or_default()));
        }
        links.push(saved.resource(file.size));
        files.push(saved.json(&file));
    }
    if let Some(note) = note {
        text.push_str(&format!("{note}\n"));
    }
    let json = serde_json::to_string_pretty(&output).unwrap_or_default();
    text.push_str(&format!("Output:\n{}", bounded(&json, MAX_TEXT)));
    let mut content = vec![ContentBlock::text(text)];
    content.append(&mut images);
    if with_links {
        content.extend(links.iter().cloned().map(ContentBlock::ResourceLink));
    }
    let mut structured = json!({ "status": "completed", "job": record.key, "files": files, "output": output });
    let optional = [("request_id", record.request_id.clone()), ("cost", cost)];
    for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        structured[name] = json!(value);
    }
    let mut result = CallToolResult::success(content);
    result.structured_content = Some(structured);
    (result, links)
}

/// A file of a result in the folder.
struct Saved {
    path: String,
    uri: String,
    name: String,
    content_type: Option<String>,
}

impl Saved {
    fn new(file: &SavedFile, out: &Path) -> Option<Self> {
        let name = file.file_name.clone()?;
        let path = out.join(&name);
        let uri = Url::from_file_path(&path).ok()?.to_string();
        Some(Saved { path: path.display().to_string(), uri, name, content_type: file.content_type.clone() })
    }

    /// Returns true for images that models read.
    fn is_image(&self) -> bool {
        let types = ["image/gif", "image/jpeg", "image/png", "image/webp"];
        self.content_type.as_deref().is_some_and(|content_type| types.contains(&content_type))
    }

    fn resource(&self, size: u64) -> Resource {
        let mut resource = Resource::new(&self.uri, &self.name);
        resource.mime_type.clone_from(&self.content_type);
        resource.size = Some(size);
        resource
    }

    fn json(&self, file: &SavedFile) -> Value {
        let mut json = json!({ "field": file.path, "uri": self.uri, "path": self.path, "size": file.size });
        if let Some(content_type) = &self.content_type {
            json["content_type"] = json!(content_type);
        }
        json
    }
}

/// Cuts long strings, such as data URIs, whose bytes are in the files.
fn shortened(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > MAX_STRING || (text.starts_with("data:") && text.len() > 200) => {
            let kept = if text.starts_with("data:") { 40 } else { MAX_STRING };
            let start: String = text.chars().take(kept).collect();
            json!(format!("{start}… ({} bytes)", text.len()))
        }
        Value::Array(items) => items.into_iter().map(shortened).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, shortened(value))).collect(),
        value => value,
    }
}
