//! The first stage: a file becomes documents whose envelope is known.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::error::Finding;
use crate::patch;
use crate::pointer::escape;
use crate::source::Source;

/// An endpoint's schemas.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The file, as findings name it.
    pub(crate) file: PathBuf,
    /// Where in the file it stands, as a JSON pointer.
    pub(crate) at: String,
    /// The endpoint's id, `fal-ai/flux/dev/redux`.
    pub(crate) id: String,
    pub(crate) category: Option<String>,
    /// The schema of what is posted.
    pub(crate) input: Value,
    /// The schema of the result.
    pub(crate) output: Value,
    /// The schemas that the others refer to, by name.
    pub(crate) components: Map<String, Value>,
}

/// What a file holds: documents, and endpoints that fal has no document of, with the reason.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) documents: Vec<Document>,
    pub(crate) undocumented: Vec<(String, String)>,
}

/// Reads a file; `Err` has all that is wrong with its envelopes.
///
/// It may hold one endpoint's document as fal serves it; an answer of the platform API (`/v1/models` with
/// `expand=openapi-3.0`) with many; the document that an app itself serves, each POST path of which is an endpoint of the
/// app; or the short form for one's own app: `{"endpointId", "input", "output", "$defs"}`.
pub(crate) fn read(source: &Source) -> Result<Contents, Vec<Finding>> {
    let finding = |reason: String| vec![Finding::new(&source.file, "", reason)];
    // A byte order mark is no JSON, but some editors leave one.
    let text = source.text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.text);
    let mut json: Value =
        serde_json::from_slice(text).map_err(|error| finding(format!("this is not JSON: {error}")))?;
    if let Some((file, text)) = &source.patch {
        patch::apply(file, text, &mut json).map_err(|stale| vec![stale])?;
    }
    // Another crate in the build may turn on serde_json's `preserve_order`; the order of keys means nothing here.
    json.sort_all_objects();
    let Value::Object(root) = json else {
        return Err(finding("this is not an OpenAPI document of fal: the root is not an object".to_owned()));
    };
    let mut reader = Reader { source, contents: Contents::default(), findings: Vec::new() };
    reader.any(root, "");
    if reader.findings.is_empty() { Ok(reader.contents) } else { Err(reader.findings) }
}

struct Reader<'a> {
    source: &'a Source,
    contents: Contents,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn finding(&mut self, at: &str, reason: impl Into<String>) {
        self.findings.push(Finding::new(&self.source.file, at, reason));
    }

    fn any(&mut self, mut root: Map<String, Value>, at: &str) {
        if let Some(Value::Array(models)) = root.remove("models") {
            return models.into_iter().enumerate().for_each(|(place, model)| {
                self.model(model, &format!("{at}/models/{place}"));
            });
        }
        if root.contains_key("endpointId") {
            return self.short(root, at);
        }
        if let (None, Some(error)) = (root.get("paths"), root.get("error").or(root.get("detail"))) {
            let reason = format!("this is an error of fal in place of a document ({}); fetch it again", words(error));
            return self.finding(at, reason);
        }
        self.open_api(&root, at, None);
    }

    /// A model of the platform API's list, whose document may be missing.
    fn model(&mut self, mut model: Value, at: &str) {
        let Some(id) = model.get("endpoint_id").and_then(Value::as_str).map(str::to_owned) else {
            return self.finding(at, "the model has no `endpoint_id`");
        };
        if !is_id(&id) {
            return self.finding(&format!("{at}/endpoint_id"), no_id(&id));
        }
        let at = format!("{at}/openapi");
        match model.get_mut("openapi").map(Value::take) {
            Some(Value::Object(root)) if !root.contains_key("error") => self.open_api(&root, &at, Some(&id)),
            Some(Value::Object(root)) => {
                let error = root.get("error").map(words).unwrap_or_default();
                self.contents
                    .undocumented
                    .push((id, format!("fal has no document of it ({error}); it is not generated")));
            }
            Some(Value::Null) | None => {
                self.contents.undocumented.push((id, "fal has no document of it; it is not generated".to_owned()));
            }
            Some(_) => self.finding(&at, "this is not an OpenAPI document of fal: the root is not an object"),
        }
    }

    /// The short form, for an app of one's own.
    fn short(&mut self, mut root: Map<String, Value>, at: &str) {
        let id = root.get("endpointId").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !is_id(&id) {
            return self.finding(&format!("{at}/endpointId"), no_id(&id));
        }
        let mut components = match root.remove("$defs") {
            Some(Value::Object(components)) => components,
            _ => Map::new(),
        };
        let mut schemas = Vec::new();
        for key in ["input", "output"] {
            let Some(mut schema) = root.remove(key).filter(Value::is_object) else {
                self.finding(&format!("{at}/{key}"), format!("the schema of the endpoint's {key} is missing here"));
                continue;
            };
            // A schema may bring its own definitions, as pydantic writes it.
            if let Some(Value::Object(own)) = schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
                for (name, definition) in own {
                    match components.get(&name) {
                        Some(known) if *known != definition => {
                            let place = format!("{at}/{key}/$defs/{}", escape(&name));
                            self.finding(&place, "there is another definition of this name; rename one of them");
                        }
                        _ => drop(components.insert(name, definition)),
                    }
                }
            }
            schemas.push(schema);
        }
        if let Ok([input, output]) = <[Value; 2]>::try_from(schemas) {
            let category = root.get("category").and_then(Value::as_str).map(str::to_owned);
            let (file, at) = (self.source.file.clone(), at.to_owned());
            self.contents.documents.push(Document { file, at, id, category, input, output, components });
        }
    }

    fn open_api(&mut self, root: &Map<String, Value>, at: &str, known: Option<&str>) {
        let Some(paths) = root.get("paths").and_then(Value::as_object) else {
            let reason = "this is not an OpenAPI document of fal: it has no paths; save it from \
                          https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=… as it is";
            return self.finding(&format!("{at}/paths"), reason);
        };
        let metadata = root.get("info").and_then(|info| info.get("x-fal-metadata"));
        let stated = metadata.and_then(|metadata| metadata.get("endpointId")).and_then(Value::as_str).or(known);
        let posts: Vec<&str> = paths
            .iter()
            .filter(|(_, operations)| operations.get("post").is_some())
            .map(|(path, _)| path.as_str())
            .collect();
        let queued = |path: &&&str| paths.contains_key(&result_path(path.trim_matches('/')));
        let id = match (stated, &posts[..], posts.iter().filter(queued).count()) {
            // An app's own document knows no queue, and its paths are below the app.
            (Some(app), [_, ..], 0) if !paths.contains_key(&format!("/{app}")) => {
                return self.app(root, paths, at, Some(app));
            }
            (None, [_, ..], 0) => return self.app(root, paths, at, None),
            (Some(id), _, _) => id.to_owned(),
            (None, [path], _) => path.trim_matches('/').to_owned(),
            (None, _, _) => {
                let reason = "the endpoint's id is missing: neither stated here nor the only POST path";
                return self.finding(&format!("{at}{ENDPOINT_ID}"), reason);
            }
        };
        if !is_id(&id) {
            return self.finding(&format!("{at}{ENDPOINT_ID}"), no_id(&id));
        }
        let input = self.schema(paths, at, &format!("/{id}"), "post", INPUT, "input");
        let output = self.schema(paths, at, &result_path(&id), "get", OUTPUT, "output");
        let (Some(input), Some(output)) = (input, output) else { return };
        let category =
            metadata.and_then(|metadata| metadata.get("category")).and_then(Value::as_str).map(str::to_owned);
        let (file, at) = (self.source.file.clone(), at.to_owned());
        let components = components(root);
        self.contents.documents.push(Document { file, at, id, category, input, output, components });
    }

    /// The document that an app serves: each path that takes JSON is an endpoint, whose answer is the output itself.
    fn app(&mut self, root: &Map<String, Value>, paths: &Map<String, Value>, at: &str, stated: Option<&str>) {
        let served = root.get("servers").and_then(|servers| servers.get(0)?.get("url")?.as_str());
        let served =
            served.and_then(|url| url.split_once("://")?.1.split_once('/').map(|(_, path)| path.trim_matches('/')));
        let by_file = self.source.path.strip_suffix(".json").unwrap_or_default();
        let app = [stated, served, Some(by_file)].into_iter().flatten().find(|id| is_id(id));
        let Some(app) = app.map(str::to_owned) else {
            let reason = "which app serves this is not known: state it here, or name the file by it (`owner/app.json`)";
            return self.finding(&format!("{at}{ENDPOINT_ID}"), reason);
        };
        let mut found = 0;
        for (path, operations) in paths {
            let Some(post) = operations.get("post") else { continue };
            let id = format!("{app}/{}", path.trim_matches('/'));
            let id = id.trim_end_matches('/').to_owned();
            let (Some(input), true) = (dig(post, INPUT), is_id(&id)) else { continue };
            found += 1;
            let output = dig(post, OUTPUT).cloned().unwrap_or_else(|| json!({}));
            let (file, at) = (self.source.file.clone(), format!("{at}/paths/{}", escape(path)));
            let (category, components) = (None, components(root));
            let input = input.clone();
            self.contents.documents.push(Document { file, at, id, category, input, output, components });
        }
        if found == 0 {
            self.finding(&format!("{at}/paths"), "no path takes a POST of JSON: there is no endpoint in this document");
        }
    }

    fn schema(
        &mut self,
        paths: &Map<String, Value>,
        at: &str,
        path: &str,
        method: &str,
        keys: &[&str],
        what: &str,
    ) -> Option<Value> {
        let found =
            paths.get(path).and_then(|path| path.get(method)).and_then(|operation| dig(operation, keys)).cloned();
        if found.is_none() {
            let keys = keys.iter().map(|key| escape(key)).collect::<Vec<_>>().join("/");
            let pointer = format!("{at}/paths/{}/{method}/{keys}", escape(path));
            self.finding(&pointer, format!("the schema of the endpoint's {what} is missing here"));
        }
        found
    }
}

const INPUT: &[&str] = &["requestBody", "content", "application/json", "schema"];
const OUTPUT: &[&str] = &["responses", "200", "content", "application/json", "schema"];

/// Where a document states its id.
pub(crate) const ENDPOINT_ID: &str = "/info/x-fal-metadata/endpointId";

fn result_path(id: &str) -> String {
    format!("/{id}/requests/{{request_id}}")
}

fn dig<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(value, |value, key| value.get(key))
}

fn components(root: &Map<String, Value>) -> Map<String, Value> {
    let components = root.get("components").and_then(|components| components.get("schemas"));
    components.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// What an error says, in short.
fn words(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    let words = match (text("code").or(text("type")), text("message"), error.as_str()) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(text), None, _) | (None, Some(text), _) | (None, None, Some(text)) => text.to_owned(),
        (None, None, None) => error.to_string(),
    };
    crate::prose::lines(&words.chars().take(200).collect::<String>()).join(" ")
}

/// How many segments an id may have; the longest known has six.
const MAX_SEGMENTS: usize = 16;

fn is_id(id: &str) -> bool {
    let segments: Vec<&str> = id.split('/').collect();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (2..=MAX_SEGMENTS).contains(&segments.len())
        && segments.iter().all(|segment| segment.starts_with(|c: char| c.is_ascii_alphanumeric()))
        && segments.iter().all(|segment| segment.len() <= 128 && segment.chars().all(allowed))
}

fn no_id(id: &str) -> String {
    format!("{id:?} is not an endpoint id: `owner/app` or `owner/app/path` of letters, digits, `-`, `_` and `.`")
}

/// The place of a document in its file, for a finding about its id.
pub(crate) fn id_at(document: &Document) -> (&Path, String) {
    let at = if document.at.is_empty() { ENDPOINT_ID.to_owned() } else { document.at.clone() };
    (&document.file, at)
}
