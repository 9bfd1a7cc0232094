//! The stages in their order: from documents to the text of every file.
//!
//! *source* → *document* → *select* → *tree* → *normalize* → *lower* → *types* → *render* → *write*. The builder runs the first
//! and the last, which touch files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use fal_documents::{Document, Finding, Source};

use crate::budget::MAX_ENDPOINTS;
use crate::error::Error;
use crate::features::{self, FEATURES};
use crate::manifest::{Line, MANIFEST, Manifest, code_digest, document_digest};
use crate::present::Present;
use crate::report::{REPORT, Report};
use crate::select::Selection;
use crate::tree::Node;
use crate::write::Files;
use crate::{lower, names, normalize, refusals, render};

const ROOT: &str = "mod.rs";

#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The folder of the documents, for findings about no single file.
    pub(crate) schemas: PathBuf,
    pub(crate) selection: Selection,
    pub(crate) render: render::Options,
}

/// The result for all documents.
pub(crate) struct Generated {
    pub(crate) documents: usize,
    pub(crate) files: Files,
    pub(crate) report: Report,
    /// Likely mistakes in documents that are not errors.
    pub(crate) mistakes: Vec<Finding>,
}

/// Generates every file, reusing what is present. Fails with everything that is wrong with the documents.
pub(crate) fn run(sources: &[Source], present: &Present, options: &Options) -> Result<Generated, Error> {
    let mut findings = check_names(options);
    if sources.is_empty() && !present.is_empty() {
        findings.push(Finding::new(&options.schemas, "", refusals::NO_DOCUMENTS));
    }
    let mut endpoints = Endpoints::read(sources, &mut findings);
    if findings.is_empty() {
        endpoints.select(options, &mut findings);
    }
    let tree = match endpoints.tree() {
        Ok(tree) if findings.is_empty() => tree,
        Ok(_) => return Err(Error::new(findings)),
        Err(found) => return Err(Error::new([findings, found].concat())),
    };
    let (documents, mut lines) = (endpoints.documents.len(), endpoints.lines());
    let mistakes = std::mem::take(&mut endpoints.mistakes);
    let Modules { mut files, report, codes } = modules(&tree, endpoints, present, options, &mut findings);
    for Line { id, code, .. } in &mut lines {
        *code = code.and_then(|_| codes.get(id).copied());
    }
    if options.render.features {
        match features::text(&tree) {
            Ok(text) => drop(files.insert(PathBuf::from(FEATURES), Some(text))),
            Err(reason) => findings.push(Finding::new(&options.schemas, "", reason)),
        }
    }
    if !findings.is_empty() {
        return Err(Error::new(findings));
    }
    files.insert(PathBuf::from(ROOT), Some(render::root(&tree, &options.render)));
    files.insert(PathBuf::from(MANIFEST), Some(Manifest::new(lines, &options.render).to_text()));
    files.insert(PathBuf::from(REPORT), Some(report.to_text()));
    Ok(Generated { documents, files, report, mistakes })
}

fn check_names(options: &Options) -> Vec<Finding> {
    let render::Options { trait_name, module_path, .. } = &options.render;
    let mut reasons = Vec::new();
    if !names::is_type_name(trait_name) {
        reasons.push(refusals::trait_name(trait_name));
    }
    reasons.extend(module_path.as_ref().and_then(|path| names::check_module_path(path).err()));
    reasons.into_iter().map(|reason| Finding::new(&options.schemas, "", reason)).collect()
}

/// The endpoints of all files, each with its file.
struct Endpoints<'a> {
    documents: Vec<(&'a Source, Document)>,
    /// The ids of endpoints that fal has no document of, with fal's reason.
    undocumented: Vec<(&'a Source, String, Option<String>)>,
    mistakes: Vec<Finding>,
}

impl<'a> Endpoints<'a> {
    fn read(sources: &'a [Source], findings: &mut Vec<Finding>) -> Self {
        let mut endpoints = Endpoints { documents: Vec::new(), undocumented: Vec::new(), mistakes: Vec::new() };
        for source in sources {
            match fal_documents::parse(source) {
                Ok(contents) => {
                    let documents = contents.documents.into_iter().map(|document| (source, document));
                    endpoints.documents.extend(documents);
                    let undocumented = contents.undocumented.into_iter().map(|(id, error)| (source, id, error));
                    endpoints.undocumented.extend(undocumented);
                    endpoints.mistakes.extend(contents.mistakes);
                }
                Err(found) => findings.extend(found),
            }
        }
        endpoints
    }

    /// Drops the endpoints that are not selected. A pattern that matches no id is a mistake.
    fn select(&mut self, options: &Options, findings: &mut Vec<Finding>) {
        let undocumented = self.undocumented.iter().map(|(_, id, _)| id.as_str());
        let ids: Vec<&str> =
            self.documents.iter().map(|(_, document)| document.id.as_str()).chain(undocumented).collect();
        let unused = options.selection.unused(&ids);
        let unused = unused.map(|pattern| Finding::new(&options.schemas, "", refusals::unused_pattern(pattern)));
        findings.extend(unused);
        self.documents.retain(|(_, document)| options.selection.has(&document.id));
        self.undocumented.retain(|(_, id, _)| options.selection.has(id));
        if self.documents.len() > MAX_ENDPOINTS {
            findings.push(Finding::new(&options.schemas, "", refusals::too_many_endpoints(self.documents.len())));
        }
    }

    fn tree(&self) -> Result<Node, Vec<Finding>> {
        Node::root(
            self.documents
                .iter()
                .map(|(_, document)| (document.id.as_str(), (document.file.as_path(), document.id_at.clone()))),
        )
    }

    /// Returns the lines of the manifest, with a placeholder for the digest of the code.
    fn lines(&self) -> Vec<Line> {
        let line = |source: &Source, id: &String, code| Line {
            path: source.path.clone(),
            id: id.clone(),
            digest: document_digest(source),
            code,
        };
        let documented = self.documents.iter().map(|(source, document)| line(source, &document.id, Some(0)));
        let undocumented = self.undocumented.iter().map(|(source, id, _)| line(source, id, None));
        documented.chain(undocumented).collect()
    }
}

/// The files of all modules, the report about them, and the digest of each endpoint's code.
struct Modules {
    files: Files,
    report: Report,
    codes: BTreeMap<String, u64>,
}

fn modules(
    tree: &Node,
    endpoints: Endpoints<'_>,
    present: &Present,
    options: &Options,
    findings: &mut Vec<Finding>,
) -> Modules {
    let (mut report, mut codes) = (Report::default(), BTreeMap::new());
    for (_, id, error) in endpoints.undocumented {
        report.add(&id, vec![refusals::undocumented(error.as_deref())]);
    }
    let documents = endpoints.documents.into_iter();
    let mut documents: BTreeMap<String, (&Source, Document)> =
        documents.map(|(source, document)| (document.id.clone(), (source, document))).collect();
    let mut files = Files::new();
    for (path, node) in tree.modules() {
        let Some((source, mut document)) = node.endpoint.as_ref().and_then(|id| documents.remove(id)) else {
            files.insert(path, Some(render::module(node, None, &options.render)));
            continue;
        };
        if let Some(module) = present.module(&path, node, &document.id, document_digest(source)) {
            codes.insert(document.id.clone(), module.code);
            report.add(&document.id, module.notes);
            files.insert(path, None);
            continue;
        }
        let unused = lower::unused(&document);
        match normalize::normalize(&mut document).and_then(|()| lower::lower(&document)) {
            Ok(mut endpoint) => {
                endpoint.notes.extend(unused);
                let text = render::module(node, Some(&endpoint), &options.render);
                codes.insert(document.id.clone(), code_digest(&text, &endpoint.notes));
                files.insert(path, Some(text));
                report.add(&document.id, endpoint.notes);
            }
            Err(finding) => findings.push(finding),
        }
    }
    Modules { files, report, codes }
}
