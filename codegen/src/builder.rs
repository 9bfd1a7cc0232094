use std::env;
use std::path::{Path, PathBuf};

use crate::error::{Error, Finding};
use crate::pipeline::{self, Generated, Options};
use crate::present::Present;
use crate::report;
use crate::select::Selection;
use crate::summary::Summary;
use crate::{render, source, write};

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
    out_dir: Option<PathBuf>,
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
            out_dir: None,
            options: Options {
                schemas: PathBuf::from("schemas"),
                selection: Selection::default(),
                render: render::Options { trait_name: "Endpoints".to_owned(), features: false, module_path: None },
            },
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
        self.options.schemas = folder.into();
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
        self.options.selection.include.push(pattern.into());
        self
    }

    /// Leaves out the endpoints whose ids fit this pattern.
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.options.selection.exclude.push(pattern.into());
        self
    }

    /// Puts each app behind a cargo feature, so that only what is used is compiled: `fal-ai/flux-lora` and what is below
    /// it behind `fal_ai-flux_lora`. The crate has to declare them; `features.toml` beside the modules has the lines.
    ///
    /// A published crate may have 300 features; more apps than that are an error.
    pub fn features(mut self, features: bool) -> Self {
        self.options.render.features = features;
        self
    }

    /// The name of the trait whose methods lead to the endpoints; `Endpoints` if it is not set.
    ///
    /// A crate that uses two trees, say the one that fal-client ships and its own, calls its own something else, to tell
    /// them apart: `OwnEndpoints::fal_ai(&client)`. Where both traits are imported, only an owner that one of them has can
    /// be called as a method.
    pub fn trait_name(mut self, name: impl Into<String>) -> Self {
        self.options.render.trait_name = name.into();
        self
    }

    /// Sets the path of the generated root module as other crates see it: `my_crate::endpoints`. The example of each endpoint
    /// is a documentation test then, which imports from this path. Default: unset; examples are text and say
    /// `crate::endpoints`.
    pub fn module_path(mut self, path: impl Into<String>) -> Self {
        self.options.render.module_path = Some(path.into());
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
            println!("cargo::rerun-if-changed={}", self.options.schemas.display());
        }
        let folder = self.folder()?;
        let Generated { documents, files, report } = self.run(&Present::read(&folder, &self.options.render))?;
        let lost = report.beyond(&report::read(&folder).unwrap_or_default());
        let changes = write::compare(&folder, files)?;
        write::apply(&folder, &changes)?;
        let summary = Summary::new(documents, changes, lost);
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
        let Generated { documents, files, report } = self.run(&Present::default())?;
        let lost = report.beyond(&report::read(&folder).unwrap_or_default());
        Ok(Summary::new(documents, write::compare(&folder, files)?, lost))
    }

    fn run(&self, present: &Present) -> Result<Generated, Error> {
        let sources = source::find(&self.options.schemas).map_err(Error::new)?;
        pipeline::run(&sources, present, &self.options)
    }

    fn folder(&self) -> Result<PathBuf, Finding> {
        match (&self.out_dir, env::var_os("OUT_DIR")) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(folder)) if in_build_script() => Ok(Path::new(&folder).join("endpoints")),
            (None, _) => Err(Finding::new(
                &self.options.schemas,
                "",
                "outside of a build script, say where to write with `out_dir`",
            )),
        }
    }
}

/// Cargo gives these to build scripts, and together to nothing else.
fn in_build_script() -> bool {
    ["OUT_DIR", "TARGET", "HOST", "NUM_JOBS"].iter().all(|name| env::var_os(name).is_some())
}
