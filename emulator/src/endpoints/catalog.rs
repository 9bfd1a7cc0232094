use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use fal_documents::{Finding, Source};

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
    /// Adds every document in a folder and its subfolders, with their patches: the same ones that the generator reads.
    pub(crate) fn folder(&mut self, folder: &Path) {
        let found = match fal_documents::find(folder) {
            Ok(found) => found,
            Err(findings) => return self.findings(findings),
        };
        let before = (self.files.len(), self.problems.len());
        found.sources.iter().for_each(|source| self.source(source));
        if before == (self.files.len(), self.problems.len()) {
            self.problem(&folder.display().to_string(), "this folder contains no documents");
            // They may be what the folder is expected to have.
            self.findings(found.passed_over);
        }
    }

    /// Adds the documents of a text. `name` identifies it in errors.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        let (file, path, text) = (PathBuf::from(name), String::new(), text.as_bytes().to_vec());
        self.source(&Source { file, path, text, patch: None });
    }

    fn source(&mut self, source: &Source) {
        match fal_documents::parse(source) {
            Ok(contents) => {
                let file = source.file.display().to_string();
                contents.documents.into_iter().for_each(|document| self.document(&file, document));
            }
            Err(findings) => self.findings(findings),
        }
    }

    fn document(&mut self, file: &str, document: fal_documents::Document) {
        let document = match Document::new(document) {
            Ok(document) => document,
            Err(reason) => return self.problem(file, &reason),
        };
        if let Some(other) = self.files.get(&document.id) {
            let reason = format!("duplicate endpoint `{}`: already defined in {other}", document.id);
            return self.problem(file, &reason);
        }
        self.files.insert(document.id.clone(), file.to_owned());
        let endpoint = Endpoint::new(document);
        self.catalog.apps.insert(endpoint.app.clone());
        self.catalog.endpoints.insert(endpoint.document.id.clone(), Arc::new(endpoint));
    }

    fn findings(&mut self, findings: Vec<Finding>) {
        for Finding { file, pointer, reason, .. } in findings {
            let reason = if pointer.is_empty() { reason } else { format!("at {pointer}: {reason}") };
            self.problem(&file.display().to_string(), &reason);
        }
    }

    fn problem(&mut self, file: &str, reason: &str) {
        self.problems.push(DocumentError::new(file, reason));
    }

    pub(crate) fn build(self) -> Result<Catalog, Vec<DocumentError>> {
        if self.problems.is_empty() { Ok(self.catalog) } else { Err(self.problems) }
    }
}
