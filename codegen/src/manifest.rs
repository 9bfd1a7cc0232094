//! MANIFEST: which documents the generated files come from.

use std::fmt::Write as _;

use crate::digest::digest;
use crate::mark::MARK;
use crate::render;
use crate::tree::module_path;

pub(crate) const MANIFEST: &str = "MANIFEST";

/// This generator, its source included.
const GENERATOR: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("FAL_CODEGEN_SOURCE"));

/// Stands for the module of an endpoint without one.
const NO_MODULE: &str = "-";

/// The documents and the generator that some generated files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    generator: String,
    pub(crate) lines: Vec<Line>,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    /// The file's path below the schemas' folder, with `/`.
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) digest: u64,
    /// Whether there is a module of it: fal may have no document of an endpoint that it lists.
    pub(crate) has_module: bool,
}

impl Manifest {
    /// What this generator makes of some documents.
    pub(crate) fn new(mut lines: Vec<Line>, options: &render::Options) -> Self {
        lines.sort();
        Manifest { generator: generator(options), lines }
    }

    /// Whether this generator, as it is now, wrote the files.
    pub(crate) fn is_ours(&self, options: &render::Options) -> bool {
        self.generator == generator(options)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text =
            format!("# {MARK} {}. Columns: document, id, module, digest.\n", self.generator);
        for Line { path, id, digest, has_module } in &self.lines {
            let module = if *has_module { module_path(id).join("::") } else { NO_MODULE.to_owned() };
            // Writing to a String does not fail.
            let _ = writeln!(text, "{path}\t{id}\t{module}\t{digest:016x}");
        }
        text
    }

    /// Reads a manifest; `None` if it is none, or not of this form.
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
