//! The *document* stage: a file becomes documents, whatever form the file has.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::budget::{self, Budget, MAX_FILE};
use crate::finding::Finding;
use crate::pointer::escape;
use crate::source::Source;
use crate::{patch, refusals};

/// An endpoint's schemas.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file, as findings name it.
    pub file: PathBuf,
    /// The JSON pointer of the document in the file.
    pub at: String,
    /// The endpoint's id, `fal-ai/flux/dev/redux`.
    pub id: String,
    /// fal's category of the endpoint, such as `text-to-image`.
    pub category: Option<String>,
    /// The schema of the request body.
    pub input: Value,
    /// The schema of the result.
    pub output: Value,
    /// The schemas that others refer to, by name.
    pub components: Map<String, Value>,
    /// The JSON pointer of the components.
    pub components_at: String,
}

impl Document {
    /// Returns the location of the id, for findings: the file, and the pointer into it.
    pub fn id_at(&self) -> (&Path, String) {
        let at = if self.at.is_empty() { ENDPOINT_ID.to_owned() } else { self.at.clone() };
        (&self.file, at)
    }
}

/// The contents of a file.
#[derive(Debug, Default)]
pub struct Contents {
    /// The documents of the file, in its order.
    pub documents: Vec<Document>,
    /// The ids of endpoints that fal has no document of, with fal's reason.
    pub undocumented: Vec<(String, Option<String>)>,
}

/// Parses a file. Fails with everything that is wrong with it outside of the schemas.
///
/// A file has one of these forms:
///
/// - one endpoint's document, as fal serves it;
/// - a response of the platform API (`/v1/models` with `expand=openapi-3.0`) with many documents;
/// - the document that an app itself serves, in which each POST path is an endpoint;
/// - the short form for custom apps: `{"endpointId", "input", "output", "$defs"}`.
pub fn parse(source: &Source) -> Result<Contents, Vec<Finding>> {
    let finding = |reason: String| vec![Finding::new(&source.file, "", reason)];
    // Some editors write a byte order mark, which JSON does not allow.
    let text = source.text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&source.text);
    if budget::size_of_text(text) > MAX_FILE {
        return Err(finding(refusals::TOO_LARGE.to_owned()));
    }
    let mut json: Value = serde_json::from_slice(text).map_err(|error| finding(refusals::not_json(&error)))?;
    if let Some((file, text)) = &source.patch {
        patch::apply(file, text, &mut json).map_err(|stale| vec![stale])?;
    }
    // Another crate in the build may turn on serde_json's `preserve_order`; the order of keys means nothing here.
    json.sort_all_objects();
    let Value::Object(root) = json else {
        return Err(finding(refusals::NOT_AN_OBJECT.to_owned()));
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
            return models.into_iter().enumerate().for_each(|(index, model)| {
                self.model(model, &format!("{at}/models/{index}"));
            });
        }
        if root.contains_key("endpointId") {
            return self.short(root, at);
        }
        if let (None, Some(error)) = (root.get("paths"), root.get("error").or(root.get("detail"))) {
            return self.finding(at, refusals::error_response(&summary(error)));
        }
        self.open_api(&root, at, None);
    }

    /// A model of the platform API's list, whose document may be missing.
    fn model(&mut self, mut model: Value, at: &str) {
        let Some(id) = model.get("endpoint_id").and_then(Value::as_str).map(str::to_owned) else {
            return self.finding(at, refusals::NO_ENDPOINT_ID);
        };
        if !is_id(&id) {
            return self.finding(&format!("{at}/endpoint_id"), refusals::invalid_id(&id));
        }
        let at = format!("{at}/openapi");
        match model.get_mut("openapi").map(Value::take) {
            Some(Value::Object(root)) if !root.contains_key("error") => self.open_api(&root, &at, Some(&id)),
            Some(Value::Object(root)) => {
                let error = root.get("error").map(summary);
                self.contents.undocumented.push((id, error));
            }
            Some(Value::Null) | None => {
                self.contents.undocumented.push((id, None));
            }
            Some(_) => self.finding(&at, refusals::NOT_AN_OBJECT),
        }
    }

    /// The short form for custom apps.
    fn short(&mut self, mut root: Map<String, Value>, at: &str) {
        let id = root.get("endpointId").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !is_id(&id) {
            return self.finding(&format!("{at}/endpointId"), refusals::invalid_id(&id));
        }
        let mut components = match root.remove("$defs") {
            Some(Value::Object(components)) => components,
            _ => Map::new(),
        };
        let mut schemas = Vec::new();
        for key in ["input", "output"] {
            let Some(mut schema) = root.remove(key).filter(Value::is_object) else {
                self.finding(&format!("{at}/{key}"), refusals::missing_schema(key));
                continue;
            };
            // A schema may bring its own definitions, as pydantic writes it.
            if let Some(Value::Object(own)) = schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
                for (name, definition) in own {
                    match components.get(&name) {
                        Some(known) if *known != definition => {
                            let pointer = format!("{at}/{key}/$defs/{}", escape(&name));
                            self.finding(&pointer, refusals::conflicting_definitions(&name));
                        }
                        _ => drop(components.insert(name, definition)),
                    }
                }
            }
            schemas.push(schema);
        }
        if let Ok([input, output]) = <[Value; 2]>::try_from(schemas) {
            let category = root.get("category").and_then(Value::as_str).map(str::to_owned);
            let (file, components_at, at) = (self.source.file.clone(), format!("{at}/$defs"), at.to_owned());
            let document = Document { file, at, id, category, input, output, components, components_at };
            self.contents.documents.push(document);
        }
    }

    fn open_api(&mut self, root: &Map<String, Value>, at: &str, known: Option<&str>) {
        let Some(paths) = root.get("paths").and_then(Value::as_object) else {
            return self.finding(&format!("{at}/paths"), refusals::NO_PATHS);
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
            // An app's own document has no queue paths, and its paths are relative to the app.
            (Some(app), [_, ..], 0) if !paths.contains_key(&format!("/{app}")) => {
                return self.app(root, paths, at, Some(app));
            }
            (None, [_, ..], 0) => return self.app(root, paths, at, None),
            (Some(id), _, _) => id.to_owned(),
            (None, [path], _) => path.trim_matches('/').to_owned(),
            (None, _, _) => {
                return self.finding(&format!("{at}{ENDPOINT_ID}"), refusals::NO_ID);
            }
        };
        if !is_id(&id) {
            return self.finding(&format!("{at}{ENDPOINT_ID}"), refusals::invalid_id(&id));
        }
        let (post, result) = (format!("/{id}"), result_path(&id));
        let input = self.schema(paths, at, &[&[post.as_str(), "post"], INPUT].concat(), "input");
        let output = self.schema(paths, at, &[&[result.as_str(), "get"], OUTPUT].concat(), "output");
        let (Some(input), Some(output)) = (input, output) else { return };
        let category =
            metadata.and_then(|metadata| metadata.get("category")).and_then(Value::as_str).map(str::to_owned);
        let (file, components_at, at) = (self.source.file.clone(), format!("{at}{COMPONENTS}"), at.to_owned());
        let components = components(root);
        let document = Document { file, at, id, category, input, output, components, components_at };
        self.contents.documents.push(document);
    }

    /// The document that an app serves: each path that accepts JSON is an endpoint, and its response is the output.
    fn app(&mut self, root: &Map<String, Value>, paths: &Map<String, Value>, at: &str, stated: Option<&str>) {
        let served = root.get("servers").and_then(|servers| servers.get(0)?.get("url")?.as_str());
        let served =
            served.and_then(|url| url.split_once("://")?.1.split_once('/').map(|(_, path)| path.trim_matches('/')));
        let by_file = self.source.path.strip_suffix(".json").unwrap_or_default();
        let app = [stated, served, Some(by_file)].into_iter().flatten().find(|id| is_id(id));
        let Some(app) = app.map(str::to_owned) else {
            return self.finding(&format!("{at}{ENDPOINT_ID}"), refusals::NO_APP);
        };
        let components = components(root);
        let each = components.values().map(budget::size).sum::<usize>();
        let (mut found, mut budget) = (0, Budget::new(MAX_FILE));
        for (path, operations) in paths {
            let Some(post) = operations.get("post") else { continue };
            let id = format!("{app}/{}", path.trim_matches('/'));
            let id = id.trim_end_matches('/').to_owned();
            let (Some(input), true) = (dig(post, INPUT), is_id(&id)) else { continue };
            found += 1;
            // Every endpoint gets a copy of the components.
            if !budget.spend(each) {
                return self.finding(&format!("{at}/paths"), refusals::TOO_MANY_ENDPOINTS);
            }
            let output = dig(post, OUTPUT).cloned().unwrap_or_else(|| json!({}));
            let (file, components_at) = (self.source.file.clone(), format!("{at}{COMPONENTS}"));
            let at = format!("{at}/paths/{}", escape(path));
            let (category, components, input) = (None, components.clone(), input.clone());
            let document = Document { file, at, id, category, input, output, components, components_at };
            self.contents.documents.push(document);
        }
        if found == 0 {
            self.finding(&format!("{at}/paths"), refusals::NO_POST);
        }
    }

    /// Returns the schema that the keys lead to from `paths`.
    fn schema(&mut self, paths: &Map<String, Value>, at: &str, keys: &[&str], what: &str) -> Option<Value> {
        let found = keys.split_first().and_then(|(path, keys)| dig(paths.get(*path)?, keys)).cloned();
        if found.is_none() {
            let keys = keys.iter().map(|key| escape(key)).collect::<Vec<_>>().join("/");
            self.finding(&format!("{at}/paths/{keys}"), refusals::missing_schema(what));
        }
        found
    }
}

const INPUT: &[&str] = &["requestBody", "content", "application/json", "schema"];
const OUTPUT: &[&str] = &["responses", "200", "content", "application/json", "schema"];

/// The pointer of the endpoint's id.
const ENDPOINT_ID: &str = "/info/x-fal-metadata/endpointId";

/// The pointer of the components of an OpenAPI document.
const COMPONENTS: &str = "/components/schemas";

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

/// Summarises an error response.
fn summary(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    let summary = match (text("code").or(text("type")), text("message"), error.as_str()) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(text), None, _) | (None, Some(text), _) | (None, None, Some(text)) => text.to_owned(),
        (None, None, None) => error.to_string(),
    };
    let shown: String = summary.chars().take(200).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The longest id known has six segments.
const MAX_SEGMENTS: usize = 16;

/// The generator's ids name modules, so they are stricter than those that the client accepts at run time: no `~`, no leading
/// punctuation in a segment, and at most 16 segments.
fn is_id(id: &str) -> bool {
    let segments: Vec<&str> = id.split('/').collect();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (2..=MAX_SEGMENTS).contains(&segments.len())
        && segments.iter().all(|segment| segment.starts_with(|c: char| c.is_ascii_alphanumeric()))
        && segments.iter().all(|segment| segment.len() <= 128 && segment.chars().all(allowed))
}
