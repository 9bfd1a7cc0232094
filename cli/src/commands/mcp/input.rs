//! The arguments of a tool call become an input: local files are found, and everything is checked before anything is sent.

use fal_client::{FileInput, JsonInput};
use fal_codegen::{Field, Kind, Variant};
use fal_documents::Validator;
use fal_documents::pointer::escape;
use fal_documents::text::printable;
use serde_json::{Map, Value, json};

use super::files::Folders;
use super::server::Endpoint;
use crate::catalog::nearest;

/// The most levels of arguments in which files are looked for. Deeper ones are invalid anyway.
const MAX_DEPTH: usize = 32;
/// The most problems that are listed, and the longest one, in characters.
const MAX_PROBLEMS: usize = 20;
const MAX_PROBLEM: usize = 500;

/// Builds the input of an endpoint.
///
/// # Errors
///
/// The arguments do not fit the document, or a file is not in an allowed folder. The error lists all problems, for the model to
/// correct its arguments.
pub(super) fn build(
    endpoint: &Endpoint,
    mut arguments: Map<String, Value>,
    folders: &Folders,
) -> Result<JsonInput, String> {
    let mut finder = Finder { folders, files: Vec::new(), problems: Vec::new() };
    drop_unset(&endpoint.fields, &mut arguments);
    finder.fields(&endpoint.fields, &arguments, "", 0);
    let Finder { files, mut problems, .. } = finder;
    let mut value = Value::Object(arguments);
    for (index, (pointer, _)) in files.iter().enumerate() {
        if let Some(value) = value.pointer_mut(pointer) {
            // Documents may limit the characters and the length of URLs.
            *value = json!(format!("https://local.fal/{index}"));
        }
    }
    problems.extend(unknown_fields(&endpoint.fields, &value));
    let validator = Validator::new(&endpoint.document).map_err(|finding| finding.to_string())?;
    problems.extend(validator.errors(&value).iter().map(problem));
    if !problems.is_empty() {
        problems.truncate(MAX_PROBLEMS);
        return Err(format!("invalid arguments; nothing was sent:\n{}", problems.join("\n")));
    }
    files.into_iter().try_fold(JsonInput::from(value), |input, (pointer, file)| {
        input.file(pointer, file).map_err(|error| error.to_string())
    })
}

/// Formats a violation: `num_images: Input should be less than or equal to 4`.
fn problem(detail: &Value) -> String {
    let loc = detail["loc"].as_array().into_iter().flatten().skip(1);
    let loc: Vec<String> = loc.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
    let message = detail["msg"].as_str().unwrap_or_default();
    printable(&format!("{}: {message}", loc.join(".")), MAX_PROBLEM)
}

fn unknown_fields(fields: &[Field], value: &Value) -> Vec<String> {
    if fields.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let unknown = value.as_object().into_iter().flatten().map(|(name, _)| name);
    let unknown = unknown.filter(|name| !names.contains(&name.as_str()));
    let problems = unknown.map(|name| {
        let near = nearest(name, names.iter().copied()).first().map(|near| format!("; did you mean `{near}`?"));
        printable(&format!("{name}: unknown field{}", near.unwrap_or_default()), MAX_PROBLEM)
    });
    problems.collect()
}

/// Removes nulls that stand for unset fields. Clients with strict schemas send them.
fn drop_unset(fields: &[Field], arguments: &mut Map<String, Value>) {
    arguments.retain(|name, value| {
        let field = fields.iter().find(|field| field.name == *name);
        !(value.is_null() && field.is_some_and(|field| !field.required && !field.nullable))
    });
}

struct Finder<'a> {
    folders: &'a Folders,
    /// The files, by the JSON pointer of their field.
    files: Vec<(String, FileInput)>,
    problems: Vec<String>,
}

impl Finder<'_> {
    fn fields(&mut self, fields: &[Field], object: &Map<String, Value>, pointer: &str, depth: usize) {
        for field in fields {
            if let Some(value) = object.get(&field.name) {
                let pointer = format!("{pointer}/{}", escape(&field.name));
                self.value(&field.kind, &field.fields, &field.variants, value, &pointer, depth);
            }
        }
    }

    fn value(
        &mut self,
        kind: &Kind,
        fields: &[Field],
        variants: &[Variant],
        value: &Value,
        pointer: &str,
        depth: usize,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        match (kind, value) {
            (Kind::File, Value::String(name)) if !is_remote(name) => self.file(name, pointer),
            (Kind::Array(item), Value::Array(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.value(item, fields, variants, value, &format!("{pointer}/{index}"), depth + 1);
                }
            }
            (Kind::Map(item), Value::Object(members)) => {
                for (key, value) in members {
                    let pointer = format!("{pointer}/{}", escape(key));
                    self.value(item, fields, variants, value, &pointer, depth + 1);
                }
            }
            (Kind::Object, Value::Object(object)) => self.fields(fields, object, pointer, depth + 1),
            (Kind::Union(kinds), Value::String(name)) if kinds.contains(&Kind::File) => {
                // A string that is not a file may be a name that the model knows.
                let is_text = kinds.iter().any(|kind| matches!(kind, Kind::String | Kind::Enum));
                if !is_remote(name) && (!is_text || is_path(name)) {
                    self.file(name, pointer);
                }
            }
            (Kind::Union(kinds), value) => {
                if variants.is_empty() {
                    kinds.iter().for_each(|kind| self.value(kind, fields, &[], value, pointer, depth + 1));
                }
                for variant in variants {
                    let Variant { kind, fields, variants, .. } = variant;
                    self.value(kind, fields, variants, value, pointer, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn file(&mut self, name: &str, pointer: &str) {
        if self.files.iter().any(|(known, _)| known == pointer) {
            return;
        }
        match self.folders.file(name) {
            Ok(path) => self.files.push((pointer.to_owned(), FileInput::path(path))),
            Err(reason) => self.problems.push(format!("{}: {reason}", pointer.trim_start_matches('/'))),
        }
    }
}

/// Returns true for what the service reads by itself: remote URLs and data URIs.
fn is_remote(name: &str) -> bool {
    let scheme = name.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| ["http", "https", "data"].contains(&scheme.as_str()))
}

fn is_path(name: &str) -> bool {
    ["/", "./", "../", "@", "file:", "~", "\\"].iter().any(|start| name.starts_with(start)) || name.contains(":\\")
}
