//! MANIFEST: the documents that the generated files come from.

use std::fmt::Write as _;

use crate::digest::digest;
use crate::mark::MARK;
use crate::render;
use crate::tree::module_path;

pub(crate) const MANIFEST: &str = "MANIFEST";

/// The version of this generator, with a digest of its source.
const GENERATOR: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("FAL_CODEGEN_SOURCE"));

/// The module column of an endpoint without a module.
const NO_MODULE: &str = "-";

/// The documents and the generator of a folder of generated files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    generator: String,
    pub(crate) lines: Vec<Line>,
}

/// A line: a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    /// The file's path below the schemas' folder, with `/`.
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) digest: u64,
    /// False if fal lists the endpoint but has no document of it.
    pub(crate) has_module: bool,
}

impl Manifest {
    pub(crate) fn new(mut lines: Vec<Line>, options: &render::Options) -> Self {
        lines.sort();
        Manifest { generator: generator(options), lines }
    }

    /// Returns true if this very generator wrote the files, with these settings.
    pub(crate) fn is_ours(&self, options: &render::Options) -> bool {
        self.generator == generator(options)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("# {MARK} {}. Columns: document, id, module, digest.\n", self.generator);
        for Line { path, id, digest, has_module } in &self.lines {
            let module = if *has_module { module_path(id).join("::") } else { NO_MODULE.to_owned() };
            // Writing to a String does not fail.
            let _ = writeln!(text, "{path}\t{id}\t{module}\t{digest:016x}");
        }
        text
    }

    /// Parses a manifest. Returns `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Manifest> {
        let mut lines = text.lines();
        let generator = lines.next()?.strip_prefix("# ")?.strip_prefix(MARK)?.trim_start().split_once(". ")?.0;
        let lines = lines.map(|line| {
            let mut columns = line.split('\t');
            let (path, id, module, digest) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
            let digest = u64::from_str_radix(digest, 16).ok()?;
            Some(Line { path: path.to_owned(), id: id.to_owned(), digest, has_module: module != NO_MODULE })
        });
        Some(Manifest { generator: generator.to_owned(), lines: lines.collect::<Option<_>>()? })
    }
}

/// This generator with its settings, which decide on the text as the documents do.
fn generator(options: &render::Options) -> String {
    format!("{GENERATOR}+{:08x}", digest(format!("{options:?}").as_bytes()) as u32)
}
