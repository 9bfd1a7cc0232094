//! The operations of an OpenAPI document, as fal and other tools write them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The responses that have the output of an operation, the best first.
const RESPONSES: [&str; 4] = ["200", "2XX", "201", "default"];

/// Returns the path of an id with its operations. Slashes around the path do not matter.
pub(crate) fn at<'a>(paths: &'a Map<String, Value>, id: &str) -> Option<(&'a String, &'a Value)> {
    paths.get_key_value(&format!("/{id}")).or_else(|| paths.iter().find(|(path, _)| path.trim_matches('/') == id))
}

/// Returns the operations that return the result of a queued request, by the ids of the endpoints. The name of the parameter does
/// not matter.
pub(crate) fn results(paths: &Map<String, Value>) -> BTreeMap<&str, &Value> {
    let id = |path| {
        let (id, parameter) = str::trim_matches(path, '/').rsplit_once("/requests/{")?;
        parameter.strip_suffix('}').filter(|name| !name.contains(['/', '{'])).map(|_| id)
    };
    paths.iter().filter_map(|(path, operations)| Some((id(path)?, operations))).collect()
}

/// Returns the schema of the JSON that an operation takes.
pub(crate) fn request<'a>(root: &'a Map<String, Value>, operation: &'a Value) -> Option<&'a Value> {
    json(component(root, operation.get("requestBody")?))?.get("schema")
}

/// Returns the JSON that an operation returns: an object with a schema and examples.
pub(crate) fn response<'a>(root: &'a Map<String, Value>, operation: &'a Value) -> Option<&'a Value> {
    let responses = operation.get("responses")?;
    RESPONSES.iter().find_map(|status| json(component(root, responses.get(*status)?)))
}

/// Follows a reference to a request body or a response among the components.
fn component<'a>(root: &'a Map<String, Value>, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/components"));
    target.and_then(|pointer| root.get("components")?.pointer(pointer)).unwrap_or(value)
}

/// Returns the JSON among the contents of a request or a response: `application/json`, also with parameters, or else a type that
/// may be JSON.
fn json(body: &Value) -> Option<&Value> {
    let contents = body.get("content")?.as_object()?;
    let find = |is_wanted: &dyn Fn(&str) -> bool| {
        let is_wanted =
            |name: &str| is_wanted(name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str());
        contents.iter().find(|(name, _)| is_wanted(name)).map(|(_, media)| media)
    };
    find(&|kind| kind == "application/json")
        .or_else(|| find(&|kind| kind.ends_with("+json") || kind == "*/*" || kind == "application/*"))
}
