//! The arguments of a tool call become an input: local files are found, and everything is checked before anything is sent.

use fal_client::{FileInput, JsonInput};
use fal_codegen::{Field, Kind, Variant};
use fal_documents::pointer::escape;
use serde_json::{Map, Value};

use super::files::Folders;
use super::server::Endpoint;

/// The most levels of arguments in which files are looked for. Deeper ones are invalid anyway.
const MAX_DEPTH: usize = 32;

/// Builds the input of an endpoint.
///
/// # Errors
///
/// A file is not in an allowed folder. The error is for the model, which can correct its arguments.
pub(super) fn build(
    endpoint: &Endpoint,
    arguments: Map<String, Value>,
    folders: &Folders,
) -> Result<JsonInput, String> {
    let fields = &endpoint.fields;
    let mut finder = Finder { folders, files: Vec::new(), errors: Vec::new() };
    let mut arguments = arguments;
    drop_unset(fields, &mut arguments);
    finder.fields(fields, &arguments, "", 0);
    if !finder.errors.is_empty() {
        return Err(finder.errors.join("\n"));
    }
    finder.files.into_iter().try_fold(JsonInput::from(arguments), |input, (pointer, file)| {
        input.file(pointer, file).map_err(|error| error.to_string())
    })
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
    errors: Vec<String>,
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
            Err(reason) => self.errors.push(format!("{}: {reason}", pointer.trim_start_matches('/'))),
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
