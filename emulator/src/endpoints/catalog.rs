use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use fal_documents::{Finding, Source, app_segments};

use crate::documents::document::Document;
use crate::endpoints::endpoint::Endpoint;
use crate::endpoints::workflow::Workflow;
use crate::error::{DocumentError, Error};

/// The endpoints that an emulator serves.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    endpoints: BTreeMap<String, Arc<Endpoint>>,
    apps: BTreeSet<String>,
    hints: Vec<String>,
}

impl Catalog {
    /// Returns the documents that `fal-client` ships. They are parsed once in a process.
    pub(crate) fn shipped() -> Result<Arc<Self>, Error> {
        static SHIPPED: OnceLock<Result<Arc<Catalog>, Vec<DocumentError>>> = OnceLock::new();
        let shipped = SHIPPED.get_or_init(|| {
            let mut builder = CatalogBuilder::default();
            builder.shipped();
            builder.build().map(Arc::new)
        });
        shipped.clone().map_err(Error::Documents)
    }

    pub(crate) fn endpoint(&self, id: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(id)
    }

    /// Returns the endpoint whose outputs a path streams. fal does not document which endpoints have a stream, so all of them
    /// have one.
    pub(crate) fn streamed(&self, path: &str) -> Option<&Arc<Endpoint>> {
        self.endpoint(path).or_else(|| self.endpoint(path.strip_suffix("/stream")?))
    }

    /// Returns the endpoint that a realtime path is below. Documents do not list such paths, and apps can choose them.
    pub(crate) fn realtime(&self, path: &str) -> Option<&Arc<Endpoint>> {
        if let Some(endpoint) = self.endpoint(path) {
            let is_realtime = path.ends_with("/realtime") || path.ends_with("/ws");
            return is_realtime.then_some(endpoint);
        }
        path.rmatch_indices('/').find_map(|(end, _)| self.endpoint(&path[..end]))
    }

    /// Splits an id into its application and the rest. Returns `None` if the application is unknown.
    pub(crate) fn app_and_path<'i>(&self, id: &'i str) -> Option<(&'i str, &'i str)> {
        let end = id.match_indices('/').nth(app_segments(id) - 1).map_or(id.len(), |(end, _)| end);
        let (app, path) = id.split_at(end);
        self.apps.contains(app).then_some((app, path.trim_start_matches('/')))
    }

    /// Returns the endpoints, sorted by id.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values().map(Arc::as_ref)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// Returns what a user may not expect of the documents, a line each.
    pub(crate) fn hints(&self) -> impl Iterator<Item = &str> {
        self.hints.iter().map(String::as_str)
    }
}

/// Builder for [`Catalog`]. Collects the errors of all documents.
#[derive(Debug, Default)]
pub(crate) struct CatalogBuilder {
    catalog: Catalog,
    files: BTreeMap<String, PathBuf>,
    passed_over: Vec<Finding>,
    /// The workflows, with their names in errors and their ids.
    workflows: Vec<(String, String, Workflow)>,
    /// Endpoints without a document, and likely mistakes.
    hints: Vec<Finding>,
    problems: Vec<DocumentError>,
}

impl CatalogBuilder {
    /// Adds every document in a folder and its subfolders, with their patches: the same ones that the generator reads.
    pub(crate) fn folder(&mut self, folder: &Path) {
        let found = match fal_documents::find(folder) {
            Ok(found) => found,
            Err(findings) => return self.findings(findings),
        };
        let (before, hints) = ((self.files.len(), self.problems.len()), self.hints.len());
        found.sources.iter().for_each(|source| self.source(source));
        if before == (self.files.len(), self.problems.len()) {
            self.findings([Finding::new(folder, "", "this folder contains no documents")]);
            // They may be what the folder is expected to have.
            let hints = self.hints.split_off(hints);
            self.findings(hints.into_iter().chain(found.passed_over));
        } else {
            self.passed_over.extend(found.passed_over);
        }
    }

    /// Adds the documents that `fal-client` ships.
    pub(crate) fn shipped(&mut self) {
        fal_client::documents().for_each(|(path, text)| self.text(path, text));
    }

    /// Adds the documents of a text. `name` identifies it in errors.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        let (file, path, text) = (PathBuf::from(name), String::new(), text.as_bytes().to_vec());
        self.source(&Source { file, path, text, patch: None });
    }

    /// Adds the definition of a workflow. `name` identifies it in errors.
    pub(crate) fn workflow(&mut self, name: &str, text: &str) {
        match Workflow::parse(text) {
            Ok(workflow) => {
                let (problems, id) = (self.problems.len(), workflow.id());
                self.text(name, &workflow.document().to_string());
                if problems == self.problems.len() {
                    self.workflows.push((name.to_owned(), id, workflow));
                }
            }
            Err(reason) => self.findings([Finding::new(name, "", reason)]),
        }
    }

    /// Gives each workflow to its endpoint, once the endpoints of its nodes are known.
    fn add_workflows(&mut self) {
        for (name, id, workflow) in std::mem::take(&mut self.workflows) {
            for node in &workflow.nodes {
                let (node, app) = (&node.id, &node.app);
                if self.catalog.endpoint(app).is_none() {
                    let reason = format!("the node `{node}` calls `{app}`, whose document is missing; add it");
                    self.findings([Finding::new(&name, "", reason)]);
                } else if app.starts_with("workflows/") {
                    let reason = format!("the node `{node}` calls the workflow `{app}`: nodes have to call models");
                    self.findings([Finding::new(&name, "", reason)]);
                }
            }
            if let Some(endpoint) = self.catalog.endpoints.get_mut(&id).and_then(Arc::get_mut) {
                endpoint.workflow = Some(workflow);
            }
        }
    }

    fn source(&mut self, source: &Source) {
        match fal_documents::parse(source) {
            Ok(contents) => {
                contents.documents.into_iter().for_each(|document| self.document(document));
                for (id, reason) in contents.undocumented {
                    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                    let reason = format!("fal has no document of `{id}`{reason}; it is not served");
                    self.hints.push(Finding::new(&source.file, "", reason));
                }
                self.hints.extend(contents.mistakes);
            }
            Err(findings) => self.findings(findings),
        }
    }

    fn document(&mut self, document: fal_documents::Document) {
        let (file, at) = (document.file.clone(), document.id_at.clone());
        if let Some(other) = self.files.get(&document.id) {
            let (id, other) = (&document.id, other.display());
            let reason = format!("duplicate endpoint id `{id}`, also in {other}; remove one of the documents");
            return self.findings([Finding::new(file, at, reason)]);
        }
        let document = match Document::new(document) {
            Ok(document) => document,
            Err(finding) => return self.findings([finding]),
        };
        self.files.insert(document.id.clone(), file);
        let endpoint = Endpoint::new(document);
        self.catalog.apps.insert(endpoint.app.clone());
        self.catalog.endpoints.insert(endpoint.document.id.clone(), Arc::new(endpoint));
    }

    fn findings(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for Finding { file, pointer, reason, .. } in findings {
            let reason = if pointer.is_empty() { reason } else { format!("at {pointer}: {reason}") };
            self.problems.push(DocumentError::new(file.display().to_string(), reason));
        }
    }

    pub(crate) fn build(mut self) -> Result<Catalog, Vec<DocumentError>> {
        self.add_workflows();
        let CatalogBuilder { mut catalog, passed_over, hints, problems, .. } = self;
        if !problems.is_empty() {
            return Err(problems);
        }
        let passed_over = passed_over.iter().map(|finding| format!("passed over: {finding}"));
        catalog.hints = passed_over.chain(hints.iter().map(Finding::to_string)).collect();
        Ok(catalog)
    }
}
