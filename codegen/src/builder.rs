use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::document::{self, Document};
use crate::error::{Error, Finding};
use crate::manifest::{Line, Manifest};
use crate::render::Options;
use crate::report::Report;
use crate::source::{self, Source};
use crate::tree::Node;
use crate::write::{self, Changes, Files, MANIFEST};
use crate::{lower, names, normalize, render, select};

const REPORT: &str = "REPORT.md";
const ROOT: &str = "mod.rs";
const FEATURES: &str = "features.toml";

/// How many features a published crate may have.
const MOST_FEATURES: usize = 300;

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
    include: Vec<String>,
    exclude: Vec<String>,
    options: Options,
}

impl Default for Builder {
    fn default() -> Self {
        Builder::new()
    }
}

impl Builder {
    /// A generator for the documents in `schemas`, to be written where [`Builder::out_dir`] says.
    pub fn new() -> Self {
        Builder {
            schemas: PathBuf::from("schemas"),
            out_dir: None,
            include: Vec::new(),
            exclude: Vec::new(),
            options: Options { trait_name: "Endpoints".to_owned(), features: false },
        }
    }

    /// The folder of the documents: every `.json` file in it and below, but hidden ones.
    ///
    /// A file holds what fal serves: the document of an endpoint, an answer of its platform API with many
    /// (`GET /v1/models?expand=openapi-3.0`), or the document of an app; or, for one's own app, in short:
    /// `{"endpointId": "me/app", "input": {…}, "output": {…}, "$defs": {…}}` with JSON Schemas.
    ///
    /// What is wrong in a document is not edited but patched: `flux.patch.json` is a JSON patch (RFC 6902) for the
    /// `flux.json` beside it. A patch that no longer applies, or changes nothing, is an error.
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Self {
        self.schemas = folder.into();
        self
    }

    /// The folder for the generated files: `mod.rs`, the modules below it, `MANIFEST` and `REPORT.md`. Other files in
    /// it stay as they are. It is neither inside of another folder of generated code nor around one.
    ///
    /// In a build script the default is `OUT_DIR/endpoints`, from where `fal_client::include_endpoints!` takes them.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Generates only the endpoints whose ids fit this pattern, or another that is included.
    ///
    /// `*` stands for any characters of a segment, `**` for any characters: `fal-ai/flux*/**`, `**/image-to-image`.
    pub fn include(mut self, pattern: impl Into<String>) -> Self {
        self.include.push(pattern.into());
        self
    }

    /// Leaves out the endpoints whose ids fit this pattern.
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.exclude.push(pattern.into());
        self
    }

    /// Puts each app behind a cargo feature, so that only what is used is compiled: `fal-ai/flux-lora` and what is below
    /// it behind `fal_ai-flux_lora`. The crate has to declare them; `features.toml` beside the modules has the lines.
    ///
    /// A published crate may have 300 features; more apps than that are an error.
    pub fn features(mut self, features: bool) -> Self {
        self.options.features = features;
        self
    }

    /// The name of the trait whose methods lead to the endpoints; `Endpoints` if it is not set.
    ///
    /// A crate that uses two trees, say the one that fal-client ships and its own, calls its own something else, to tell
    /// them apart: `OwnEndpoints::fal_ai(&client)`. Where both traits are imported, only an owner that one of them has can
    /// be called as a method.
    pub fn trait_name(mut self, name: impl Into<String>) -> Self {
        self.options.trait_name = name.into();
        self
    }

    /// Brings the folder up to date. A file that has not changed is not written, one that is stale is removed.
    ///
    /// In a build script it also tells cargo to run the script again when the documents change, and warns of what was
    /// lost since the last time.
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
        let made = self.make(&sources, &Present::read(&folder))?;
        let lost = made.report.beyond(&read_report(&folder).unwrap_or_default());
        let changes = write::compare(&folder, made.files)?;
        write::apply(&folder, &changes)?;
        let summary = Summary::new(made.documents, changes, lost);
        if let Some(warning) = summary.warning(&folder).filter(|_| in_build_script()) {
            println!("cargo::warning={warning}");
        }
        Ok(summary)
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
        let made = self.make(&sources, &Present::default())?;
        let lost = made.report.beyond(&read_report(&folder).unwrap_or_default());
        Ok(Summary::new(made.documents, write::compare(&folder, made.files)?, lost))
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
    /// The lines that are new in `REPORT.md`, each with its endpoint: what a schema says and the types do not.
    pub lost: Vec<String>,
}

impl Summary {
    fn new(documents: usize, changes: Changes, lost: Vec<String>) -> Self {
        let Changes { write, remove, unchanged } = changes;
        Summary { documents, written: write.into_keys().collect(), removed: remove, unchanged, lost }
    }

    /// A sentence about what was lost, if anything was: how much, and that the report in `folder` has it; or that there was
    /// nothing to generate from.
    pub fn warning(&self, folder: &Path) -> Option<String> {
        let report = folder.join(REPORT);
        let report = report.display();
        match self.lost.len() {
            0 if self.documents == 0 => Some(
                "no document was found: files are read whose names end in .json, and not in .patch.json".to_owned(),
            ),
            0 => None,
            1 => Some(format!("1 place of the schemas could not be expressed in full, see {report}")),
            many => Some(format!("{many} places of the schemas could not be expressed in full, see {report}")),
        }
    }

    /// Whether nothing was, or is, to be done.
    pub fn is_current(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty()
    }
}

fn read_report(folder: &Path) -> Option<Report> {
    fs::read_to_string(folder.join(REPORT)).ok().and_then(|text| Report::parse(&text))
}

/// What documents are made into.
struct Made {
    documents: usize,
    files: Files,
    report: Report,
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
        let report = read_report(folder);
        let (Some(manifest), Some(report)) = (manifest.filter(Manifest::is_ours), report) else {
            return Present::default();
        };
        let with_module = manifest.lines.iter().filter(|line| line.has_module);
        let Ok(tree) = Node::root(with_module.map(|line| (line.id.as_str(), (Path::new(&line.path), String::new()))))
        else {
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

impl Builder {
    /// From documents to files.
    fn make(&self, sources: &[Source], present: &Present) -> Result<Made, Error> {
        let mut findings = self.check_trait_name();
        let mut documents = Vec::new();
        let mut without = Vec::new();
        for source in sources {
            match document::read(source) {
                Ok(contents) => {
                    documents.extend(contents.documents.into_iter().map(|document| (source, document)));
                    without.extend(contents.without.into_iter().map(|(id, why)| (source, id, why)));
                }
                Err(found) => findings.extend(found),
            }
        }
        if sources.is_empty() && !present.digests.is_empty() {
            // It may be a slip in the path.
            let reason = "there is no document in this folder, and all that was generated would be removed; if that is \
                          meant, remove it by hand";
            findings.push(Finding::new(&self.schemas, "", reason));
        }
        if findings.is_empty() {
            findings = self.select(&mut documents, &mut without);
        }
        let tree =
            match Node::root(documents.iter().map(|(_, document)| (document.id.as_str(), document::id_at(document)))) {
                Ok(tree) if findings.is_empty() => tree,
                Ok(_) => return Err(Error::new(findings)),
                Err(found) => return Err(Error::new([findings, found].concat())),
            };
        let line = |source: &Source, id: &String, has_module| Line {
            path: source.path.clone(),
            id: id.clone(),
            digest: source.digest,
            has_module,
        };
        let lines = documents.iter().map(|(source, document)| line(source, &document.id, true));
        let manifest =
            Manifest::new(lines.chain(without.iter().map(|(source, id, _)| line(source, id, false))).collect());

        let number = documents.len();
        let mut documents: BTreeMap<String, (&Source, Document)> =
            documents.into_iter().map(|(source, document)| (document.id.clone(), (source, document))).collect();
        let mut files = Files::new();
        let mut report = Report::default();
        for (_, id, why) in without {
            report.add(&id, vec![why]);
        }
        for (path, node) in tree.modules() {
            let Some((source, mut document)) = node.endpoint.as_ref().and_then(|id| documents.remove(id)) else {
                files.insert(path, Some(render::module(node, None, &self.options)));
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
                    files.insert(path, Some(render::module(node, Some(&endpoint), &self.options)));
                    report.add(&document.id, endpoint.notes);
                }
                Err(finding) => findings.push(finding),
            }
        }
        if self.options.features {
            match features(&tree) {
                Ok(text) => drop(files.insert(PathBuf::from(FEATURES), Some(text))),
                Err(reason) => findings.push(Finding::new(&self.schemas, "", reason)),
            }
        }
        if !findings.is_empty() {
            return Err(Error::new(findings));
        }
        files.insert(PathBuf::from(ROOT), Some(render::root(&tree, &self.options)));
        files.insert(PathBuf::from(MANIFEST), Some(manifest.to_text()));
        files.insert(PathBuf::from(REPORT), Some(report.to_text()));
        Ok(Made { documents: number, files, report })
    }

    fn check_trait_name(&self) -> Vec<Finding> {
        let name = &self.options.trait_name;
        if names::is_type_name(name) {
            return Vec::new();
        }
        vec![Finding::new(&self.schemas, "", format!("{name:?} cannot be the name of a trait"))]
    }

    /// Drops what is not to be generated. A pattern that no id fits is a mistake.
    fn select(
        &self,
        documents: &mut Vec<(&Source, Document)>,
        without: &mut Vec<(&Source, String, String)>,
    ) -> Vec<Finding> {
        // An endpoint of which fal has no document is known all the same.
        let undocumented = without.iter().map(|(_, id, _)| id.as_str());
        let ids: Vec<&str> = documents.iter().map(|(_, document)| document.id.as_str()).chain(undocumented).collect();
        let unused = |pattern: &&String| !ids.iter().any(|id| select::fits(pattern, id));
        let unused = self.include.iter().chain(&self.exclude).filter(unused);
        let findings = unused.map(|pattern| {
            let stops = pattern.contains('*') && !pattern.contains("**");
            let hint = if stops { "; `*` stops at a `/`, `**` does not" } else { "" };
            Finding::new(&self.schemas, "", format!("no endpoint's id fits the pattern {pattern:?}{hint}"))
        });
        let findings = findings.collect();
        let fits = |patterns: &[String], id: &str| patterns.iter().any(|pattern| select::fits(pattern, id));
        let wanted = |id: &str| (self.include.is_empty() || fits(&self.include, id)) && !fits(&self.exclude, id);
        documents.retain(|(_, document)| wanted(&document.id));
        without.retain(|(_, id, _)| wanted(id));
        findings
    }
}

/// The lines that a crate's manifest needs for its features.
fn features(tree: &Node) -> Result<String, String> {
    let features: Vec<String> = tree.modules().into_iter().filter_map(|(_, node)| render::feature(node)).collect();
    if features.len() > MOST_FEATURES {
        return Err(format!(
            "{} apps would be as many features, and a published crate may have {MOST_FEATURES}; select endpoints with `include` and \
             `exclude`",
            features.len()
        ));
    }
    let mut text =
        "# Generated by fal-codegen: the features of the endpoints' apps, for Cargo.toml.\n[features]\n".to_owned();
    features.iter().for_each(|feature| text.push_str(&format!("{feature} = []\n")));
    Ok(text)
}
