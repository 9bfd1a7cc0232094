use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::documents::bounds;
use crate::documents::document::{Document, app_segments};
use crate::endpoints::endpoint::Endpoint;
use crate::error::{DocumentError, Error};

/// The endpoints that an emulator serves.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    endpoints: BTreeMap<String, Arc<Endpoint>>,
    apps: BTreeSet<String>,
}

impl Catalog {
    /// Returns the documents that `fal-client` ships. They are parsed once in a process.
    pub(crate) fn shipped() -> Result<Arc<Self>, Error> {
        static SHIPPED: OnceLock<Result<Arc<Catalog>, Vec<DocumentError>>> = OnceLock::new();
        let shipped = SHIPPED.get_or_init(|| {
            let mut builder = CatalogBuilder::default();
            fal_client::documents().for_each(|(path, text)| builder.text(path, text));
            builder.build().map(Arc::new)
        });
        shipped.clone().map_err(Error::Documents)
    }

    pub(crate) fn endpoint(&self, id: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(id)
    }

    /// Splits an id into its application and the rest. Returns `None` if the application is unknown.
    pub(crate) fn app_and_path<'i>(&self, id: &'i str) -> Option<(&'i str, &'i str)> {
        let end = id.match_indices('/').nth(app_segments(id) - 1).map_or(id.len(), |(end, _)| end);
        let (app, path) = id.split_at(end);
        self.apps.contains(app).then_some((app, path.trim_start_matches('/')))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }
}

/// Builder for [`Catalog`]. Collects the errors of all documents.
#[derive(Debug, Default)]
pub(crate) struct CatalogBuilder {
    catalog: Catalog,
    files: BTreeMap<String, String>,
    problems: Vec<DocumentError>,
}

impl CatalogBuilder {
    /// Adds every document in a folder and its subfolders. Patches (`*.patch.json`) correct the generated code and are
    /// ignored: the emulator serves fal's own document.
    pub(crate) fn folder(&mut self, folder: &Path) {
        match json_files(folder) {
            Ok(files) if files.is_empty() => {
                self.problem(&folder.display().to_string(), "this folder contains no documents")
            }
            Ok(files) => files.iter().for_each(|file| self.file(file)),
            Err(error) => self.problem(&folder.display().to_string(), &error.to_string()),
        }
    }

    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match read(path) {
            Ok(text) => self.text(&name, &text),
            Err(error) => self.problem(&name, &error.to_string()),
        }
    }

    /// Adds a document. `name` identifies it in errors.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(reason) => return self.problem(name, &reason),
        };
        if let Some(other) = self.files.get(&document.id) {
            let reason = format!("duplicate endpoint `{}`: already defined in {other}", document.id);
            return self.problem(name, &reason);
        }
        self.files.insert(document.id.clone(), name.to_owned());
        let endpoint = Endpoint::new(document);
        self.catalog.apps.insert(endpoint.app.clone());
        self.catalog.endpoints.insert(endpoint.document.id.clone(), Arc::new(endpoint));
    }

    fn problem(&mut self, file: &str, reason: &str) {
        self.problems.push(DocumentError::new(file, reason));
    }

    pub(crate) fn build(self) -> Result<Catalog, Vec<DocumentError>> {
        if self.problems.is_empty() { Ok(self.catalog) } else { Err(self.problems) }
    }
}

/// Reads a regular file, and no more of it than a document may have. Opening a FIFO waits, a device may have no end, and a
/// file that states no length may have none.
fn read(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file: remove or replace it"));
    }
    let mut text = String::new();
    File::open(path)?.take(metadata.len().min(bounds::MAX_BYTES as u64 + 1)).read_to_string(&mut text)?;
    Ok(text)
}

fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if name.ends_with(".json") && !name.ends_with(".patch.json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
