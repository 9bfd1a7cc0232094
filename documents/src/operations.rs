//! The operations of an OpenAPI document, as fal and other tools write them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::pointer::escape;

/// A value of a document.
#[derive(Clone)]
pub(crate) struct Part<'a> {
    /// The JSON pointer of the value in the document.
    pub at: String,
    pub value: &'a Value,
}

impl<'a> Part<'a> {
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        Some(Part { at: format!("{}/{}", self.at, escape(key)), value: self.value.get(key)? })
    }
}

/// The responses that have the output of an operation, the best first.
const RESPONSES: [&str; 3] = ["200", "2XX", "201"];

/// The most media types of a content that are looked at, and the longest. Endpoints may share a content, and each searches it.
const MAX_TYPES: usize = 100;
const MAX_TYPE: usize = 200;

/// Returns the operations of a path.
pub(crate) fn of_path<'a>(path: &str, operations: &'a Value) -> Part<'a> {
    Part { at: format!("/paths/{}", escape(path)), value: operations }
}

/// Returns the operations of an id. Slashes around the path do not matter.
pub(crate) fn at<'a>(paths: &'a Map<String, Value>, id: &str) -> Option<Part<'a>> {
    let exact = paths.get_key_value(&format!("/{id}"));
    let (path, operations) = exact.or_else(|| paths.iter().find(|(path, _)| path.trim_matches('/') == id))?;
    Some(of_path(path, operations))
}

/// Returns the operations that return the result of a queued request, by the ids of the endpoints. The name of the parameter does
/// not matter.
pub(crate) fn results(paths: &Map<String, Value>) -> BTreeMap<&str, Part<'_>> {
    let id = |path| {
        let (id, parameter) = str::trim_matches(path, '/').rsplit_once("/requests/{")?;
        parameter.strip_suffix('}').filter(|name| !name.contains(['/', '{'])).map(|_| id)
    };
    paths.iter().filter_map(|(path, operations)| Some((id(path)?, of_path(path, operations)))).collect()
}

/// Returns the schema of the JSON that an operation takes.
pub(crate) fn request<'a>(root: &'a Map<String, Value>, operation: &Part<'a>) -> Option<Part<'a>> {
    json(&component(root, operation.get("requestBody")?))?.get("schema")
}

/// Returns the JSON that an operation returns: an object with a schema and examples.
pub(crate) fn response<'a>(root: &'a Map<String, Value>, operation: &Part<'a>) -> Option<Part<'a>> {
    let responses = operation.get("responses")?;
    let json_of = |status: &str| json(&component(root, responses.get(status)?));
    // Next to a response of success, the default is that of errors.
    let has_success = responses.value.as_object()?.keys().any(|status| status.starts_with('2'));
    RESPONSES.into_iter().find_map(json_of).or_else(|| json_of("default").filter(|_| !has_success))
}

/// Follows a reference to a request body or a response among the components.
fn component<'a>(root: &'a Map<String, Value>, part: Part<'a>) -> Part<'a> {
    let target = part.value.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/components"));
    let found = target.and_then(|pointer| Some((pointer, root.get("components")?.pointer(pointer)?)));
    found.map_or(part, |(pointer, value)| Part { at: format!("/components{pointer}"), value })
}

/// Returns the JSON among the contents of a request or a response: `application/json`, also with parameters, or else a type that
/// may be JSON.
fn json<'a>(body: &Part<'a>) -> Option<Part<'a>> {
    let contents = body.get("content")?;
    let find = |is_wanted: &dyn Fn(&str) -> bool| {
        let is_wanted =
            |name: &str| is_wanted(name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str());
        let mut types = contents.value.as_object()?.keys().take(MAX_TYPES).filter(|name| name.len() <= MAX_TYPE);
        types.find(|name| is_wanted(name)).and_then(|name| contents.get(name))
    };
    find(&|kind| kind == "application/json")
        .or_else(|| find(&|kind| kind.ends_with("+json") || kind == "*/*" || kind == "application/*"))
}
