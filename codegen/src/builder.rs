use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fs};

use fal_documents::{Finding, Found};

use crate::error::Error;
use crate::lock::Lock;
use crate::pipeline::{self, Generated, Options};
use crate::present::Present;
use crate::select::Selection;
use crate::summary::Summary;
use crate::{refusals, render, report, write};

/// Generates Rust code from a folder of documents.
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
    /// Creates a builder for the documents in `schemas`.
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

    /// Sets the folder of the documents. Default: `schemas`.
    ///
    /// Every `.json` file in it and in its folders is read, except hidden ones and those in linked folders.
    /// [`Summary::passed_over`] has files that look as if they were meant. A file has one of these forms:
    ///
    /// - an endpoint's OpenAPI document, as fal serves it. A document without the result of the endpoint has an untyped output;
    /// - a page of fal's platform API with many documents (`GET /v1/models?expand=openapi-3.0`), or one model of it;
    /// - the OpenAPI document that an app itself serves;
    /// - the short form: `{"endpointId": "me/app", "input": {…}, "output": {…}, "$defs": {…}}` with JSON Schemas. `output` is
    ///   optional. The definitions may also be in `definitions` or `components.schemas`;
    /// - an array of these, also one inside of another.
    ///
    /// Documents are untrusted, so they have a budget:
    ///
    /// - A file is a regular one, or a link to one, of at most 64 MiB. Each JSON value in it counts 32 bytes in addition.
    /// - A patch adds at most 64 MiB, and nests arrays and objects at most 128 levels deep.
    /// - The schemas of an endpoint have at most 8 MiB with `allOf` merged, and 50,000 fields, variants and enum values. At most
    ///   10,000 endpoints are generated. Descriptions are cut after 20,000 characters.
    ///
    /// To correct a document, add a patch instead of editing it: `flux.patch.json` is a JSON patch (RFC 6902) for the
    /// `flux.json` in the same folder. A patch that does not apply or has no effect is an error.
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.schemas = folder.into();
        self
    }

    /// Sets the output folder. Default: `OUT_DIR/endpoints` in a build script, where `fal_client::include_endpoints!` finds
    /// it; required elsewhere.
    ///
    /// The generated files are `mod.rs`, its modules, `MANIFEST` and `REPORT.md`. Other files in the folder are left alone.
    /// Output folders must not be nested.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Generates only endpoints whose ids match this pattern or another included one. Default: all.
    ///
    /// `*` matches any characters of a segment, `**` any characters: `fal-ai/flux*/**`, `**/image-to-image`.
    pub fn include(mut self, pattern: impl Into<String>) -> Self {
        self.options.selection.include.push(pattern.into());
        self
    }

    /// Skips endpoints whose ids match this pattern. Default: none.
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.options.selection.exclude.push(pattern.into());
        self
    }

    /// Puts each app behind a cargo feature, so that only enabled apps are compiled. Default: `false`.
    ///
    /// The app `fal-ai/flux-lora` with all its endpoints has the feature `fal_ai-flux_lora`. The crate has to declare the
    /// features; `features.toml` in the output folder has the lines. A published crate may have at most 300 features, so more
    /// apps are an error.
    pub fn features(mut self, features: bool) -> Self {
        self.options.render.features = features;
        self
    }

    /// Sets the name of the trait whose methods lead to the endpoints. Default: `Endpoints`.
    ///
    /// A crate that uses two sets of generated endpoints, such as its own and the one in fal-client, needs two names. If both
    /// traits are imported and have a method of the same name, name the trait in the call: `OwnEndpoints::fal_ai(&client)`.
    pub fn trait_name(mut self, name: impl Into<String>) -> Self {
        self.options.render.trait_name = name.into();
        self
    }

    /// Sets the path of the generated root module as other crates see it: `my_crate::endpoints`. The example of each endpoint
    /// is a documentation test then, which imports from this path. Default: unset; examples are not tested, and say
    /// `crate::endpoints`.
    pub fn module_path(mut self, path: impl Into<String>) -> Self {
        self.options.render.module_path = Some(path.into());
        self
    }

    /// Brings the output folder up to date. Writes changed files only, and removes stale ones.
    ///
    /// Generated files that were edited by hand are overwritten. Generators that run in parallel on the same folder wait for
    /// each other, except on Windows.
    ///
    /// In a build script, it also tells cargo to rerun the script when the documents change, or a generated file outside of
    /// `OUT_DIR`. It prints [`Summary::warning`] as a warning of cargo.
    ///
    /// # Errors
    ///
    /// Fails with all problems of the documents together, without writing anything. Fails if a file cannot be read or written,
    /// or if a folder below the output folder is a link.
    pub fn generate(&self) -> Result<Summary, Error> {
        let start = SystemTime::now();
        if in_build_script() {
            rerun_if_changed(&self.options.schemas)?;
        }
        let folder = self.folder()?;
        // A folder that does not exist has nothing to reuse, and remains so if the documents are invalid.
        let mut lock = folder.is_dir().then(|| Lock::of(&folder));
        let Found { sources, passed_over, .. } = self.find()?;
        let present = Present::read(&folder, &self.options.render);
        let Generated { documents, files, report, mistakes } = pipeline::run(&sources, &present, &self.options)?;
        if lock.is_none() {
            fs::create_dir_all(&folder).map_err(|error| Finding::io(&folder, "create the folder", &error))?;
            lock = Some(Lock::of(&folder));
        }
        if lock.as_ref().is_some_and(Lock::is_held) {
            write::remove_temporary(&folder);
        }
        let lost = report.new_since(&report::read(&folder).unwrap_or_default());
        let paths: Vec<PathBuf> = files.keys().map(|path| folder.join(path)).collect();
        let changes = write::compare(&folder, files)?;
        // cargo reruns a build script for files that are newer than its start.
        let modified = in_build_script().then(|| start.checked_sub(BEFORE_START)).flatten();
        write::apply(&folder, &changes, modified)?;
        drop(lock);
        let summary = Summary { passed_over, mistakes, ..Summary::new(documents, changes, lost) };
        if in_build_script() {
            if self.out_dir.is_some() {
                paths.iter().try_for_each(|path| rerun_if_changed(path))?;
            }
            summary.hints().for_each(|hint| println!("cargo::warning={hint}"));
            if let Some(warning) = summary.warning(&folder) {
                println!("cargo::warning={warning}");
            }
        }
        Ok(summary)
    }

    /// Returns the changes that [`Builder::generate`] would make, without writing anything.
    ///
    /// It compares every file, so it also finds files that were edited by hand.
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
    /// Fails with all problems of the documents together, or if a file cannot be read.
    pub fn check(&self) -> Result<Summary, Error> {
        let folder = self.folder()?;
        let _lock = folder.is_dir().then(|| Lock::of(&folder));
        let Found { sources, passed_over, .. } = self.find()?;
        let Generated { documents, files, report, mistakes } =
            pipeline::run(&sources, &Present::default(), &self.options)?;
        let lost = report.new_since(&report::read(&folder).unwrap_or_default());
        let summary = Summary::new(documents, write::compare(&folder, files)?, lost);
        Ok(Summary { passed_over, mistakes, ..summary })
    }

    fn find(&self) -> Result<Found, Error> {
        fal_documents::find(&self.options.schemas).map_err(Error::new)
    }

    fn folder(&self) -> Result<PathBuf, Finding> {
        match (&self.out_dir, env::var_os("OUT_DIR")) {
            // A folder cannot be made below a file either.
            (Some(folder), _) => {
                match folder
                    .ancestors()
                    .find(|folder| folder.symlink_metadata().is_ok())
                    .filter(|found| !found.is_dir())
                {
                    Some(file) => Err(Finding::new(file, "", refusals::OUT_IS_A_FILE)),
                    None => Ok(folder.clone()),
                }
            }
            (None, Some(folder)) if in_build_script() => Ok(Path::new(&folder).join("endpoints")),
            (None, _) => Err(Finding::new(&self.options.schemas, "", refusals::NO_OUT_DIR)),
        }
    }
}

/// The age of the files that a build script writes. Coarse file systems round times to two seconds.
const BEFORE_START: Duration = Duration::from_secs(4);

/// Tells cargo to rerun the build script if a file or folder changes.
fn rerun_if_changed(path: &Path) -> Result<(), Finding> {
    let text = path.display().to_string();
    if text.contains(char::is_control) {
        return Err(Finding::new(path, "", refusals::CONTROL_CHARACTERS));
    }
    println!("cargo::rerun-if-changed={text}");
    Ok(())
}

/// Only build scripts have all of these variables.
fn in_build_script() -> bool {
    ["OUT_DIR", "TARGET", "HOST", "NUM_JOBS"].iter().all(|name| env::var_os(name).is_some())
}
