use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::document::Document;
use crate::error::{Error, Finding};
use crate::manifest::{Line, Manifest};
use crate::report::Report;
use crate::source::{self, Source};
use crate::tree::Node;
use crate::write::{self, Changes, Files, MANIFEST};
use crate::{lower, normalize, render};

const REPORT: &str = "REPORT.md";
const ROOT: &str = "mod.rs";

/// Generates the Rust code of a folder of documents.
///
/// ```no_run
/// # fn main() -> Result<(), fal_codegen::Error> {
/// let summary = fal_codegen::Builder::new().schemas("schemas").out_dir("src/endpoints").generate()?;
/// println!("{} documents, {} files written", summary.documents, summary.written.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    schemas: PathBuf,
    out_dir: Option<PathBuf>,
}

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

impl Builder {
    /// A generator for the documents in `schemas`, to be written where [`Builder::out_dir`] says.
    pub fn new() -> Self {
        Builder { schemas: PathBuf::from("schemas"), out_dir: None }
    }

    /// The folder of the documents: every `.json` file in it and below, but `.patch.json` files and hidden ones.
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Self {
        self.schemas = folder.into();
        self
    }

    /// The folder for the generated files: `mod.rs`, the modules below it, `MANIFEST` and `REPORT.md`. Other files in
    /// it stay as they are.
    ///
    /// In a build script the default is `OUT_DIR/endpoints`, from where `fal_client::include_endpoints!` takes them.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Brings the folder up to date. A file that has not changed is not written, one that is stale is removed.
    ///
    /// In a build script it also tells cargo to run the script again when the documents change.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the documents, at once; nothing is written then.
    pub fn generate(&self) -> Result<Summary, Error> {
        if in_build_script() {
            println!("cargo::rerun-if-changed={}", self.schemas.display());
        }
        let folder = self.folder()?;
        let sources = source::find(&self.schemas).map_err(Error::new)?;
        let documents = sources.len();
        let files = generate(&sources, &Present::read(&folder))?;
        let changes = write::compare(&folder, files)?;
        write::apply(&folder, &changes)?;
        Ok(Summary::new(documents, changes))
    }

    /// Says what [`Builder::generate`] would do to the folder, whoever wrote what is in it, and writes nothing.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), fal_codegen::Error> {
    /// let summary = fal_codegen::Builder::new().schemas("schemas").out_dir("src/endpoints").check()?;
    /// assert!(summary.is_current(), "out of date: {:?} {:?}", summary.written, summary.removed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the documents, at once.
    pub fn check(&self) -> Result<Summary, Error> {
        let folder = self.folder()?;
        let sources = source::find(&self.schemas).map_err(Error::new)?;
        let files = generate(&sources, &Present::default())?;
        Ok(Summary::new(sources.len(), write::compare(&folder, files)?))
    }

    fn folder(&self) -> Result<PathBuf, Finding> {
        match (&self.out_dir, env::var_os("OUT_DIR")) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(folder)) if in_build_script() => Ok(Path::new(&folder).join("endpoints")),
            (None, _) => {
                Err(Finding::new(&self.schemas, "", "outside of a build script, say where to write with `out_dir`"))
            }
        }
    }
}

/// Cargo gives these to build scripts, and together to nothing else.
fn in_build_script() -> bool {
    ["OUT_DIR", "TARGET", "HOST", "NUM_JOBS"].iter().all(|name| env::var_os(name).is_some())
}

/// What was done, or would have to be done. Paths are below the folder of the generated files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The number of documents.
    pub documents: usize,
    /// The files that are new or changed.
    pub written: Vec<PathBuf>,
    /// The files that nothing stands for any more.
    pub removed: Vec<PathBuf>,
    /// The number of files that were right as they are.
    pub unchanged: usize,
}

impl Summary {
    fn new(documents: usize, changes: Changes) -> Self {
        let Changes { write, remove, unchanged } = changes;
        Summary { documents, written: write.into_keys().collect(), removed: remove, unchanged }
    }

    /// Whether nothing was, or is, to be done.
    pub fn is_current(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty()
    }
}

/// What is in the folder from last time, as far as it can be kept.
#[derive(Debug, Default)]
struct Present {
    folder: PathBuf,
    digests: BTreeMap<String, u64>,
    tree: Node,
    report: Report,
}

impl Present {
    /// Without a manifest of this very generator, or without a report, there is nothing to keep.
    fn read(folder: &Path) -> Present {
        let manifest = fs::read_to_string(folder.join(MANIFEST)).ok().and_then(|text| Manifest::parse(&text));
        let report = fs::read_to_string(folder.join(REPORT)).ok().and_then(|text| Report::parse(&text));
        let (Some(manifest), Some(report)) = (manifest.filter(Manifest::is_ours), report) else {
            return Present::default();
        };
        let Ok(tree) = Node::root(manifest.lines.iter().map(|line| (line.id.as_str(), Path::new(&line.path)))) else {
            return Present::default();
        };
        let digests = manifest.lines.into_iter().map(|line| (line.id, line.digest)).collect();
        Present { folder: folder.to_owned(), digests, tree, report }
    }

    /// Whether a module's file is what generating it again would give.
    fn holds(&self, path: &Path, node: &Node, id: &str, digest: u64) -> bool {
        self.digests.get(id) == Some(&digest)
            && self.tree.find(id).is_some_and(|present| present.looks_like(node))
            && self.folder.join(path).is_file()
    }
}

/// From documents to files.
fn generate(sources: &[Source], present: &Present) -> Result<Files, Error> {
    let mut findings = Vec::new();
    let mut documents = Vec::new();
    for source in sources {
        match Document::parse(&source.file, &source.text) {
            Ok(document) => documents.push((source, document)),
            Err(found) => findings.extend(found),
        }
    }
    let ids = documents.iter().map(|(_, document)| (document.id.as_str(), document.file.as_path()));
    let tree = match Node::root(ids) {
        Ok(tree) if findings.is_empty() => tree,
        Ok(_) => return Err(Error::new(findings)),
        Err(found) => return Err(Error::new([findings, found].concat())),
    };
    let lines = documents.iter().map(|(source, document)| Line {
        path: source.path.clone(),
        id: document.id.clone(),
        digest: source.digest,
    });
    let manifest = Manifest::new(lines.collect());

    let mut documents: BTreeMap<String, (&Source, Document)> =
        documents.into_iter().map(|(source, document)| (document.id.clone(), (source, document))).collect();
    let mut files = Files::new();
    let mut report = Report::default();
    for (path, node) in tree.modules() {
        let Some((source, mut document)) = node.endpoint.as_ref().and_then(|id| documents.remove(id)) else {
            files.insert(path, Some(render::module(node, None)));
            continue;
        };
        if present.holds(&path, node, &document.id, source.digest) {
            report.add(&document.id, present.report.notes(&document.id));
            files.insert(path, None);
            continue;
        }
        normalize::normalize(&mut document);
        match lower::lower(&document) {
            Ok(endpoint) => {
                files.insert(path, Some(render::module(node, Some(&endpoint))));
                report.add(&document.id, endpoint.notes);
            }
            Err(finding) => findings.push(finding),
        }
    }
    if !findings.is_empty() {
        return Err(Error::new(findings));
    }
    files.insert(PathBuf::from(ROOT), Some(render::root(&tree)));
    files.insert(PathBuf::from(MANIFEST), Some(manifest.to_text()));
    files.insert(PathBuf::from(REPORT), Some(report.to_text()));
    Ok(files)
}
