//! The *document* stage: a file becomes documents, whatever form the file has.

use serde_json::{Map, Value};

use crate::budget::{self, Budget, MAX_FILE};
use crate::definitions::{self, Definition};
use crate::document::{Contents, Document, ENDPOINT_ID, component};
use crate::finding::Finding;
use crate::operations::Part;
use crate::pointer::escape;
use crate::source::Source;
use crate::{json, operations, patch, refusals, wrong_file};

/// Reads the documents of a file. Fails with everything that is wrong with it outside of the schemas.
///
/// A file has one of these forms:
///
/// - an endpoint's OpenAPI document, as fal serves it, or as other tools write it: with other slashes, statuses of responses and
///   media types, with request bodies and responses among the components, and with definitions in `$defs`;
/// - a page of models of the platform API (`GET /v1/models?expand=openapi-3.0`), or one model of it;
/// - the OpenAPI document that an app itself serves: each POST path is an endpoint;
/// - the short form: `{"endpointId": "me/app", "input": {…}, "output": {…}, "$defs": {…}}` with JSON Schemas. The definitions may
///   also be in `definitions` or `components.schemas`;
/// - an array of these, also one inside of another.
///
/// # Errors
///
/// Each finding names the file, the place in it, the problem and the remedy.
pub fn parse(source: &Source) -> Result<Contents, Vec<Finding>> {
    let mut json = json::parse(&source.text).map_err(|reason| vec![Finding::new(&source.file, "", reason)])?;
    let duplicate_key =
        json::duplicate_key(&source.text).map(|(at, key)| Finding::new(&source.file, at, refusals::duplicate_key(key)));
    if let Some((file, text)) = &source.patch {
        patch::apply(file, text, &mut json).map_err(|stale| vec![stale])?;
    }
    // Another crate in the build may turn on serde_json's `preserve_order`; the order of keys means nothing here.
    json.sort_all_objects();
    let mut reader = Reader { source, contents: Contents::default(), findings: Vec::new() };
    reader.any(json, "");
    let Reader { mut contents, mut findings, .. } = reader;
    contents.mistakes.extend(duplicate_key);
    if findings.is_empty() {
        Ok(contents)
    } else {
        // A mistake may be why something else is missing.
        findings.extend(contents.mistakes);
        Err(findings)
    }
}

/// The most findings of a file, because a long list of something else has as many.
const MAX_FINDINGS: usize = 50;

struct Reader<'a> {
    source: &'a Source,
    contents: Contents,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn finding(&mut self, at: &str, reason: impl Into<String>) {
        match self.findings.len() {
            0..MAX_FINDINGS => self.findings.push(Finding::new(&self.source.file, at, reason)),
            MAX_FINDINGS => self.findings.push(Finding::new(&self.source.file, "", refusals::MORE_FINDINGS)),
            _ => {}
        }
    }

    fn any(&mut self, json: Value, at: &str) {
        match json {
            Value::Object(root) => self.object(root, at),
            Value::Array(items) if items.is_empty() => self.finding(at, refusals::EMPTY_ARRAY),
            Value::Array(items) if wrong_file::is_patch(&items) => self.finding(at, refusals::UNNAMED_PATCH),
            Value::Array(items) => {
                items.into_iter().enumerate().for_each(|(index, item)| self.any(item, &format!("{at}/{index}")));
            }
            Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
                self.finding(at, refusals::JSON_IN_STRING);
            }
            _ => self.finding(at, refusals::NOT_A_DOCUMENT),
        }
    }

    fn object(&mut self, root: Map<String, Value>, at: &str) {
        if root.contains_key("paths") {
            self.open_api(&root, at, None);
        } else if root.contains_key("models") {
            self.models(root, at);
        } else if root.contains_key("endpointId") {
            self.short(root, at);
        } else if root.contains_key("endpoint_id") && root.contains_key("input") {
            self.finding(&format!("{at}/endpoint_id"), refusals::SHORT_ID_NAME);
        } else if root.contains_key("endpoint_id") && root.get("openapi").unwrap_or(&Value::Null).is_null() {
            self.finding(at, refusals::ENTRY_NOT_EXPANDED);
        } else if root.contains_key("endpoint_id") || root.get("openapi").is_some_and(Value::is_object) {
            self.model(Value::Object(root), at);
        } else {
            self.finding(at, wrong_file::by_keys(&root));
        }
    }

    /// A page of the platform API. Without `expand=openapi-3.0`, it has no documents.
    fn models(&mut self, mut root: Map<String, Value>, at: &str) {
        let at = format!("{at}/models");
        let Some(Value::Array(models)) = root.remove("models") else {
            return self.finding(&at, refusals::MODELS_NOT_AN_ARRAY);
        };
        let any_has = |key: &str| models.iter().any(|model| model.get(key).is_some_and(|value| !value.is_null()));
        if models.is_empty() {
            self.finding(&at, refusals::NO_MODELS);
        } else if !any_has("endpoint_id") && !any_has("openapi") {
            self.finding(&at, refusals::OTHER_MODELS);
        } else if !any_has("openapi") {
            self.finding(&at, refusals::NOT_EXPANDED);
        } else {
            models.into_iter().enumerate().for_each(|(index, model)| self.model(model, &format!("{at}/{index}")));
        }
    }

    /// A model of the platform API, whose document may be missing.
    fn model(&mut self, mut model: Value, at: &str) {
        let id = model.get("endpoint_id").and_then(Value::as_str).map(str::to_owned);
        if let Some(id) = id.as_ref().filter(|id| !is_id(id)) {
            return self.finding(&format!("{at}/endpoint_id"), refusals::invalid_id(id));
        }
        let openapi = model.get_mut("openapi").map(Value::take);
        let at_document = format!("{at}/openapi");
        match (openapi, id) {
            (Some(Value::String(_)), _) => self.finding(&at_document, refusals::JSON_IN_STRING),
            (Some(Value::Object(root)), id) if root.contains_key("paths") => {
                self.open_api(&root, &at_document, id.map(|id| (id, format!("{at}/endpoint_id"))));
            }
            (_, None) => self.finding(at, refusals::NO_ENDPOINT_ID),
            (Some(Value::Object(root)), Some(id)) if root.contains_key("error") => {
                let error = root.get("error").map(wrong_file::summary);
                self.contents.undocumented.push((id, error));
            }
            (Some(Value::Object(root)), _) => self.finding(&at_document, wrong_file::by_keys(&root)),
            (Some(Value::Null) | None, Some(id)) => self.contents.undocumented.push((id, None)),
            (Some(_), _) => self.finding(&at_document, refusals::NOT_AN_OBJECT),
        }
    }

    fn mistake(&mut self, at: &str, reason: String) {
        let mistake = Finding::new(&self.source.file, at, reason);
        // Endpoints share the parts of a document.
        if self.contents.mistakes.len() < MAX_FINDINGS && !self.contents.mistakes.contains(&mistake) {
            self.contents.mistakes.push(mistake);
        }
    }

    /// The short form for custom apps.
    fn short(&mut self, mut root: Map<String, Value>, at: &str) {
        // Keys such as `$schema` and `x-owner` are for other tools.
        let is_unknown = |key: &&String| {
            !SHORT_KEYS.contains(&key.as_str()) && !key.starts_with(['$', '_']) && !key.starts_with("x-")
        };
        for key in root.keys().filter(is_unknown) {
            self.mistake(&format!("{at}/{}", escape(key)), refusals::unknown_key(key));
        }
        let id = root.get("endpointId").unwrap_or(&Value::Null);
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let id_at = format!("{at}/endpointId");
        if !is_id(&id) {
            return self.finding(&id_at, refusals::invalid_id(&id));
        }
        let mut definitions = Vec::new();
        let components_at = definitions::take(&mut root, at, &mut definitions).unwrap_or_else(|| format!("{at}/$defs"));
        let input_at = format!("{at}/input");
        let Some(mut input) = root.remove("input").filter(Value::is_object) else {
            return self.finding(&input_at, refusals::NO_INPUT);
        };
        let mut output = root.remove("output").filter(|output| !output.is_null()).unwrap_or_else(no_schema);
        if !output.is_object() {
            return self.finding(&format!("{at}/output"), refusals::OUTPUT_NOT_A_SCHEMA);
        }
        // A schema may bring its own definitions, as pydantic writes it.
        for (key, schema) in [("input", &mut input), ("output", &mut output)] {
            if let Some(schema) = schema.as_object_mut() {
                definitions::take(schema, &format!("{at}/{key}"), &mut definitions);
                let is_schema =
                    |keyword: &String| keyword.starts_with(['$', '_']) || SCHEMA_KEYS.contains(&keyword.as_str());
                if !schema.is_empty() && !schema.keys().any(is_schema) {
                    self.mistake(&format!("{at}/{key}"), refusals::not_a_schema(key));
                }
            }
        }
        let mut components = Map::new();
        for Definition { at, name, .. } in definitions::add(definitions, &mut components) {
            self.finding(&at, refusals::conflicting_definitions(&name));
        }
        if let Some(Unresolved::Missing(name)) = unresolved(&input, &components) {
            return self.finding(&input_at, refusals::missing_definition(name));
        }
        let category = root.get("category").and_then(Value::as_str).map(str::to_owned);
        let (file, at, example) = (self.source.file.clone(), at.to_owned(), None);
        self.add(
            Document { file, at, id, id_at, category, input, output, example, components, components_at },
            &input_at,
        );
    }

    fn open_api(&mut self, root: &Map<String, Value>, at: &str, known: Option<(String, String)>) {
        if let Some(reason) = wrong_file::by_version(root) {
            return self.finding(at, reason);
        }
        let Some(paths) = root.get("paths").and_then(Value::as_object) else {
            return self.finding(&format!("{at}/paths"), refusals::PATHS_NOT_AN_OBJECT);
        };
        let metadata = root.get("info").and_then(|info| info.get("x-fal-metadata"));
        let stated = metadata.and_then(|metadata| metadata.get("endpointId")).and_then(Value::as_str);
        let stated = stated.map(|id| (id.to_owned(), format!("{at}{ENDPOINT_ID}"))).or(known);
        let posts: Vec<&str> = paths
            .iter()
            .filter(|(_, operations)| operations.get("post").is_some_and(Value::is_object))
            .map(|(path, _)| path.as_str())
            .collect();
        // fal's queue itself, and not an endpoint of it.
        if let (None, [pattern, ..], true) = (&stated, &posts[..], posts.iter().all(|path| path.contains('{'))) {
            return self.finding(&format!("{at}/paths"), refusals::path_patterns(pattern));
        }
        let results = operations::results(paths);
        let queued = |path: &&&str| results.contains_key(path.trim_matches('/'));
        let (id, id_at) = match (stated, &posts[..], posts.iter().filter(queued).count()) {
            (_, [], _) => return self.finding(&format!("{at}/paths"), refusals::NO_POST),
            // An app's own document has no queue paths, and its paths are relative to the app.
            (Some((app, _)), _, 0) if operations::at(paths, &app).is_none() => {
                return self.app(root, paths, at, Some(&app));
            }
            (None, _, 0) => return self.app(root, paths, at, None),
            (Some(stated), _, _) => stated,
            (None, [path], _) => (path.trim_matches('/').to_owned(), format!("{at}/paths/{}", escape(path))),
            (None, _, _) => return self.finding(&format!("{at}{ENDPOINT_ID}"), refusals::NO_ID),
        };
        if !is_id(&id) {
            return self.finding(&id_at, refusals::invalid_id(&id));
        }
        let Some(operations) = operations::at(paths, &id) else {
            return self.finding(&format!("{at}/paths/{}{REQUEST}", escape(&format!("/{id}"))), refusals::NO_INPUT);
        };
        let post = operations.get("post");
        let Some(input) = post.as_ref().and_then(|post| operations::request(root, post)) else {
            return self.finding(&format!("{at}{}{REQUEST}", operations.at), refusals::NO_INPUT);
        };
        let components = self.components(root, at);
        let result = results.get(id.as_str()).and_then(|result| operations::response(root, &result.get("get")?));
        // Without a queue, the response to the request is the result.
        let result = result.or_else(|| {
            post.and_then(|post| operations::response(root, &post))
                .filter(|media| !is_queue_status(media.value, &components))
        });
        let category =
            metadata.and_then(|metadata| metadata.get("category")).and_then(Value::as_str).map(str::to_owned);
        let endpoint = Endpoint { id, id_at, at: at.to_owned(), category, input, result };
        self.endpoint(endpoint, at, components);
    }

    /// Returns the components of an OpenAPI document, with the definitions that other tools write into the root or a component.
    fn components(&mut self, root: &Map<String, Value>, at: &str) -> Map<String, Value> {
        let schemas = root.get("components").and_then(|components| components.get("schemas"));
        let mut components = schemas.and_then(Value::as_object).cloned().unwrap_or_default();
        let mut of_root =
            definitions::KEYS.iter().filter_map(|key| Some(((*key).to_owned(), root.get(*key)?.clone()))).collect();
        let mut definitions = Vec::new();
        definitions::take(&mut of_root, at, &mut definitions);
        for (name, schema) in &mut components {
            definitions::take_inside(schema, &format!("{at}{COMPONENTS}/{}", escape(name)), &mut definitions);
        }
        self.define(definitions, &mut components);
        components
    }

    /// Adds definitions to the components of an OpenAPI document.
    fn define(&mut self, definitions: Vec<Definition>, components: &mut Map<String, Value>) {
        for Definition { at, name, .. } in definitions::add(definitions, components) {
            self.mistake(&at, refusals::other_definition(&name));
        }
    }

    /// Adds the document of an endpoint. `root_at` is the pointer of the OpenAPI document.
    fn endpoint(&mut self, endpoint: Endpoint<'_>, root_at: &str, mut components: Map<String, Value>) {
        let Endpoint { id, id_at, at, category, input, result } = endpoint;
        let input_at = format!("{root_at}{}", input.at);
        let mut input = input.value.clone();
        let output = result.as_ref().and_then(|media| media.get("schema"));
        let output_at = output.as_ref().map_or_else(String::new, |schema| format!("{root_at}{}", schema.at));
        let mut output = output.map_or_else(no_schema, |schema| schema.value.clone());
        let mut definitions = Vec::new();
        definitions::take_inside(&mut input, &input_at, &mut definitions);
        definitions::take_inside(&mut output, &output_at, &mut definitions);
        self.define(definitions, &mut components);
        let (file, components_at) = (self.source.file.clone(), format!("{root_at}{COMPONENTS}"));
        let example = result.and_then(|media| example(media.value));
        let document = Document { file, at, id, id_at, category, input, output, example, components, components_at };
        self.add(document, &input_at);
    }

    /// The document that an app serves: each path that accepts JSON is an endpoint, and its response is the output.
    fn app<'a>(&mut self, root: &'a Map<String, Value>, paths: &'a Map<String, Value>, at: &str, stated: Option<&str>) {
        let endpoint = |(path, operations): (&'a String, &'a Value)| {
            let operations = operations::of_path(path, operations);
            let post = operations.get("post")?;
            Some((path, operations.at, operations::request(root, &post)?, post))
        };
        let endpoints: Vec<_> = paths.iter().filter_map(endpoint).collect();
        if endpoints.is_empty() {
            return self.finding(&format!("{at}/paths"), refusals::NO_POST);
        }
        let server = root.get("servers").and_then(|servers| servers.get(0)?.get("url")?.as_str());
        let (host, served) = server.map_or((None, None), host_and_path);
        if stated.is_none() && host.is_some_and(|host| !is_of_fal(host)) {
            let server = server.unwrap_or_default();
            return self.finding(&format!("{at}{ENDPOINT_ID}"), refusals::other_service(server));
        }
        let by_file = self.source.path.strip_suffix(".json").unwrap_or_default();
        // At the root of fal's hosts, the paths are ids.
        let is_root = stated.is_none() && host.is_some_and(|host| host.ends_with("fal.run")) && served == Some("");
        // A longer name has folders of the user's own, which are not a part of the id.
        let by_file = Some(by_file).filter(|id| id.split('/').count() == app_segments(id));
        let app = match is_root {
            true => Some(""),
            false => [stated, served, by_file].into_iter().flatten().find(|id| is_id(id)),
        };
        let Some(app) = app.map(str::to_owned) else {
            return self.finding(&format!("{at}{ENDPOINT_ID}"), refusals::NO_APP);
        };
        let components = self.components(root, at);
        let each = components.values().map(budget::size).sum::<usize>();
        let (mut found, mut budget) = (0, Budget::new(MAX_FILE));
        for (path, path_at, input, post) in endpoints {
            let id = format!("{app}/{}", path.trim_matches('/')).trim_matches('/').to_owned();
            if !is_id(&id) {
                continue;
            }
            found += 1;
            let result = operations::response(root, &post).filter(|media| !is_queue_status(media.value, &components));
            // Every endpoint gets a copy of the components, and of the schemas that it may share with others.
            let copies = [Some(&input), result.as_ref()].into_iter().flatten().map(|part| budget::size(part.value));
            if !budget.spend(each + copies.sum::<usize>()) {
                return self.finding(&format!("{at}/paths"), refusals::TOO_MANY_ENDPOINTS);
            }
            let path_at = format!("{at}{path_at}");
            let endpoint = Endpoint { id, id_at: path_at.clone(), at: path_at, category: None, input, result };
            self.endpoint(endpoint, at, components.clone());
        }
        if found == 0 {
            self.finding(&format!("{at}/paths"), refusals::NO_POST);
        }
    }

    /// Adds a document, unless its whole input is in another file.
    fn add(&mut self, document: Document, input_at: &str) {
        match unresolved(&document.input, &document.components) {
            Some(Unresolved::External(reference)) => {
                return self.finding(input_at, refusals::external_input(reference));
            }
            // Some of fal's own documents are so.
            Some(Unresolved::Missing(name)) => self.mistake(input_at, refusals::missing_input(name)),
            None => {}
        }
        self.contents.documents.push(document);
    }
}

/// An endpoint of an OpenAPI document.
struct Endpoint<'a> {
    id: String,
    id_at: String,
    /// The pointer of the endpoint's own part of the file.
    at: String,
    category: Option<String>,
    /// The schema of the input.
    input: Part<'a>,
    /// The JSON of the result: an object with a schema and examples.
    result: Option<Part<'a>>,
}

/// The keys of the short form.
const SHORT_KEYS: [&str; 7] = ["endpointId", "input", "output", "category", "$defs", "definitions", "components"];

/// Keywords of which a schema that is written by hand has at least one.
const SCHEMA_KEYS: [&str; 13] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "enum",
    "const",
    "items",
    "nullable",
    "description",
];

/// The pointer of the components of an OpenAPI document.
const COMPONENTS: &str = "/components/schemas";

/// The pointer of the input's schema below a path, where fal writes it.
const REQUEST: &str = "/post/requestBody/content/application~1json/schema";

fn no_schema() -> Value {
    Value::Object(Map::new())
}

/// Returns the first example of a result.
fn example(result: &Value) -> Option<Value> {
    let examples = result.get("examples");
    let first = match examples {
        Some(Value::Array(examples)) => examples.first(),
        Some(Value::Object(examples)) => examples.values().find_map(|example| example.get("value")),
        _ => None,
    };
    result.get("example").or(first).cloned()
}

/// Returns true for the status of a queued request, which is not a result.
fn is_queue_status(media: &Value, components: &Map<String, Value>) -> bool {
    let schema = media.get("schema").unwrap_or(&Value::Null);
    let reference = schema.get("$ref").and_then(Value::as_str).map(component);
    let schema = reference.and_then(|name| components.get(name)).unwrap_or(schema);
    let has = |name: &str| schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
    reference == Some("QueueStatus") || (has("request_id") && has("status"))
}

/// A reference in place of a whole schema that leads nowhere.
enum Unresolved<'a> {
    /// A reference to another file.
    External(&'a str),
    /// The name of a component that the document lacks.
    Missing(&'a str),
}

/// Follows the references of a schema, and returns the one that leads nowhere.
fn unresolved<'a>(mut schema: &'a Value, components: &'a Map<String, Value>) -> Option<Unresolved<'a>> {
    // More steps than any document has, in case of a cycle.
    for _ in 0..16 {
        let only = schema.get("allOf").and_then(Value::as_array).filter(|parts| parts.len() == 1);
        schema = only.map_or(schema, |parts| &parts[0]);
        let reference = schema.get("$ref")?.as_str()?;
        if !reference.starts_with('#') {
            return Some(Unresolved::External(reference));
        }
        let name = component(reference);
        let Some(target) = components.get(name) else { return Some(Unresolved::Missing(name)) };
        schema = target;
    }
    None
}

/// Splits an absolute URL into its host without the port, and its path.
fn host_and_path(url: &str) -> (Option<&str>, Option<&str>) {
    let Some((_, rest)) = url.split_once("://") else { return (None, None) };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (Some(host.split(':').next().unwrap_or(host)), Some(path.trim_matches('/')))
}

/// Returns true for fal's hosts, and for the local ones that an app is developed on.
fn is_of_fal(host: &str) -> bool {
    let known = ["fal.run", "fal.ai", "fal.dev"];
    known.iter().any(|known| host.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
        || matches!(host, "localhost" | "0.0.0.0")
        || host.starts_with("127.")
}

/// Returns the number of segments that name the application of an id. `workflows` and `comfy` are namespaces.
pub fn app_segments(id: &str) -> usize {
    match id.split('/').next() {
        Some("workflows" | "comfy") => 3,
        _ => 2,
    }
}

/// The longest id known has six segments.
const MAX_SEGMENTS: usize = 16;

/// Returns true for the id of an endpoint, `owner/app` or `owner/app/path`, that a document can have.
///
/// The generator's ids name modules, so they are stricter than those that the client accepts at run time: no `~`, no leading
/// punctuation in a segment, and at most 16 segments.
pub fn is_id(id: &str) -> bool {
    let segments: Vec<&str> = id.split('/').collect();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (app_segments(id)..=MAX_SEGMENTS).contains(&segments.len())
        && segments.iter().all(|segment| segment.starts_with(|c: char| c.is_ascii_alphanumeric()))
        && segments.iter().all(|segment| segment.len() <= 128 && segment.chars().all(allowed))
}
