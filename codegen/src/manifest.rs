//! MANIFEST: the documents that the generated files come from.

use std::fmt::Write as _;

use fal_documents::Source;

use crate::digest::digest;
use crate::mark::MARK;
use crate::render;
use crate::tree::module_path;

pub(crate) const MANIFEST: &str = "MANIFEST";

/// The digest of this generator's source.
const SOURCE: &str = env!("FAL_CODEGEN_SOURCE");

/// The columns of the module and its digest, for an endpoint without a module.
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
    /// The digest of the module's text and notes. `None` if fal lists the endpoint but has no document of it.
    pub(crate) code: Option<u64>,
}

/// The digest that detects a changed document or patch.
pub(crate) fn document_digest(source: &Source) -> u64 {
    let patch = source.patch.as_ref().map_or(&[][..], |(_, text)| text);
    digest(&[&source.text, patch].concat())
}

/// The digest that detects an edited module, or edited lines about it in the report.
pub(crate) fn code_digest(text: &str, notes: &[String]) -> u64 {
    digest([&[text.to_owned()], notes].concat().join("\n").as_bytes())
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
        let mut text =
            format!("# {MARK} {}. Columns: document, id, module, digest, digest of the code.\n", self.generator);
        for Line { path, id, digest, code } in &self.lines {
            let (module, code) = match code {
                Some(code) => (module_path(id).join("::"), format!("{code:016x}")),
                None => (NO_MODULE.to_owned(), NO_MODULE.to_owned()),
            };
            // Writing to a String does not fail.
            let _ = writeln!(text, "{path}\t{id}\t{module}\t{digest:016x}\t{code}");
        }
        text
    }

    /// Parses a manifest. Returns `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Manifest> {
        let mut lines = text.lines();
        let generator = lines.next()?.strip_prefix("# ")?.strip_prefix(MARK)?.trim_start().split_once(". ")?.0;
        let lines = lines.map(|line| {
            let mut columns = line.split('\t');
            let (path, id, _, digest) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
            let code = columns.next().filter(|code| *code != NO_MODULE);
            let code = code.map(|code| u64::from_str_radix(code, 16)).transpose().ok()?;
            let digest = u64::from_str_radix(digest, 16).ok()?;
            Some(Line { path: path.to_owned(), id: id.to_owned(), digest, code })
        });
        Some(Manifest { generator: generator.to_owned(), lines: lines.collect::<Option<_>>()? })
    }
}

/// The version of this generator, the digest of its source and of the crate that reads documents, and the digest of its
/// settings. All of them decide on the text as the documents do.
fn generator(options: &render::Options) -> String {
    let source = digest([SOURCE, fal_documents::SOURCE].concat().as_bytes());
    let options = digest(format!("{options:?}").as_bytes()) as u32;
    format!("{}+{source:016x}+{options:08x}", env!("CARGO_PKG_VERSION"))
}
