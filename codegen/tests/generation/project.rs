//! A temporary folder with documents and generated code.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fal_codegen::{Builder, Error, Summary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A small document with a string as input and output.
pub(crate) fn document(id: &str) -> Value {
    let schema = |properties: Value| json!({ "type": "object", "properties": properties, "required": ["text"] });
    with_input(id, schema(json!({ "text": { "type": "string" } })))
}

/// A document with a custom input.
pub(crate) fn with_input(id: &str, input: Value) -> Value {
    let body = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
    let output = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
    json!({
        "info": { "x-fal-metadata": { "endpointId": id } },
        "paths": {
            format!("/{id}"): { "post": { "requestBody": body(input) } },
            format!("/{id}/requests/{{request_id}}"): { "get": { "responses": { "200": body(output) } } },
        },
    })
}

pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// Creates a folder with documents, each a path and its JSON.
    pub(crate) fn new(documents: &[(&str, Value)]) -> Self {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(project.schemas()).unwrap();
        for (path, document) in documents {
            project.put(path, document.to_string());
        }
        project
    }

    pub(crate) fn schemas(&self) -> PathBuf {
        self.folder.path().join("schemas")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(crate) fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.schemas().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.schemas().join(path)).unwrap();
    }

    pub(crate) fn builder(&self) -> Builder {
        Builder::new().schemas(self.schemas()).out_dir(self.out())
    }

    pub(crate) fn generate(&self) -> Summary {
        self.builder().generate().unwrap()
    }

    /// Returns the findings, with paths relative to the project's folder.
    pub(crate) fn findings(&self) -> Vec<String> {
        let error: Error = self.builder().generate().unwrap_err();
        let folder = format!("{}/", self.folder.path().display());
        error.findings().iter().map(|finding| finding.to_string().replace(&folder, "")).collect()
    }

    /// Returns every generated file with its text.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        self.walk(|file| fs::read_to_string(file).unwrap())
    }

    /// Returns every generated file with its modification time.
    pub(crate) fn times(&self) -> BTreeMap<String, SystemTime> {
        self.walk(|file| fs::metadata(file).unwrap().modified().unwrap())
    }

    fn walk<T>(&self, read: impl Fn(&Path) -> T) -> BTreeMap<String, T> {
        let (out, mut files, mut folders) = (self.out(), BTreeMap::new(), vec![self.out()]);
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(folder) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.strip_prefix(&out).unwrap().display().to_string(), read(&path));
                }
            }
        }
        files
    }
}

/// Returns the files that differ between two generations.
pub(crate) fn changed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}
