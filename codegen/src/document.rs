//! The first stage: a file becomes a document whose envelope is known to be fal's.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::error::Finding;

/// An endpoint's OpenAPI document.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The file, as findings name it.
    pub(crate) file: PathBuf,
    /// The endpoint's id, `fal-ai/flux/dev/redux`.
    pub(crate) id: String,
    pub(crate) category: Option<String>,
    /// The schema of what is posted.
    pub(crate) input: Value,
    /// The schema of the result.
    pub(crate) output: Value,
    /// `/components/schemas`.
    pub(crate) components: Map<String, Value>,
}

impl Document {
    /// Reads a document's text; `Err` has all that is wrong with the envelope.
    pub(crate) fn parse(file: &Path, text: &[u8]) -> Result<Document, Vec<Finding>> {
        let finding = |pointer: &str, reason: String| vec![Finding::new(file, pointer, reason)];
        // A byte order mark is no JSON, but some editors leave one.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut json: Value =
            serde_json::from_slice(text).map_err(|error| finding("", format!("this is not JSON: {error}")))?;
        // Another crate in the build may turn on serde_json's `preserve_order`; the order of keys means nothing here.
        json.sort_all_objects();
        let Some(root) = json.as_object() else {
            return Err(finding("", "this is not an OpenAPI document of fal: the root is not an object".to_owned()));
        };
        let Some(paths) = root.get("paths").and_then(Value::as_object) else {
            let reason = "this is not an OpenAPI document of fal: it has no paths; save it from \
                          https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=… as it is";
            return Err(finding("/paths", reason.to_owned()));
        };
        let id = endpoint_id(root, paths).map_err(|reason| finding("/info/x-fal-metadata/endpointId", reason))?;

        let input_at = ["requestBody", "content", "application/json", "schema"];
        let output_at = ["responses", "200", "content", "application/json", "schema"];
        let mut findings = Vec::new();
        let mut schema_at = |path: String, method: &str, keys: &[&str], what: &str| {
            let found = paths
                .get(&path)
                .and_then(|path| path.get(method))
                .and_then(|operation| keys.iter().try_fold(operation, |value, key| value.get(key)).cloned());
            if found.is_none() {
                let pointer = format!(
                    "/paths/{}/{method}/{}",
                    escape(&path),
                    keys.iter().map(|key| escape(key)).collect::<Vec<_>>().join("/")
                );
                findings.push(Finding::new(
                    file,
                    pointer,
                    format!("the schema of the endpoint's {what} is missing here"),
                ));
            }
            found
        };
        let input = schema_at(format!("/{id}"), "post", &input_at, "input");
        let output = schema_at(format!("/{id}/requests/{{request_id}}"), "get", &output_at, "output");
        let (Some(input), Some(output)) = (input, output) else {
            return Err(findings);
        };
        let components = root
            .get("components")
            .and_then(|components| components.get("schemas"))
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let category = root
            .get("info")
            .and_then(|info| info.get("x-fal-metadata"))
            .and_then(|metadata| metadata.get("category"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        Ok(Document { file: file.to_owned(), id, category, input, output, components })
    }
}

/// How many segments an id may have; the longest known has six.
const MAX_SEGMENTS: usize = 16;

/// The id that the metadata states, or else the one path that takes a POST.
fn endpoint_id(root: &Map<String, Value>, paths: &Map<String, Value>) -> Result<String, String> {
    let stated = root
        .get("info")
        .and_then(|info| info.get("x-fal-metadata"))
        .and_then(|metadata| metadata.get("endpointId"))
        .and_then(Value::as_str);
    let id = match stated {
        Some(id) => id.to_owned(),
        None => {
            let mut posts = paths.iter().filter(|(_, operations)| operations.get("post").is_some());
            match (posts.next(), posts.next()) {
                (Some((path, _)), None) => path.trim_matches('/').to_owned(),
                _ => return Err("the endpoint's id is missing: neither stated here nor the only POST path".to_owned()),
            }
        }
    };
    let segments: Vec<&str> = id.split('/').collect();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let sound = (2..=MAX_SEGMENTS).contains(&segments.len())
        && segments.iter().all(|segment| segment.starts_with(|c: char| c.is_ascii_alphanumeric()))
        && segments.iter().all(|segment| segment.len() <= 128 && segment.chars().all(allowed));
    if sound {
        Ok(id)
    } else {
        Err(format!(
            "{id:?} is not an endpoint id: `owner/app` or `owner/app/path` of letters, digits, `-`, `_` and `.`"
        ))
    }
}

/// A JSON pointer's escapes.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
