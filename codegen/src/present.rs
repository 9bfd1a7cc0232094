//! The cache between runs: modules of unchanged documents are not generated again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fal_documents::file;

use crate::manifest::{Line, MANIFEST, Manifest, code_digest};
use crate::render;
use crate::report::{self, Report};
use crate::tree::Node;

/// The reusable contents of the folder from the last run.
#[derive(Debug, Default)]
pub(crate) struct Present {
    folder: PathBuf,
    lines: BTreeMap<String, Line>,
    tree: Node,
    report: Report,
}

/// A module that exists and is current.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) notes: Vec<String>,
    pub(crate) code: u64,
}

impl Present {
    /// Reads a folder. Without a report, or without a manifest of this very generator, nothing is reusable.
    pub(crate) fn read(folder: &Path, options: &render::Options) -> Present {
        let manifest = file::read_text(&folder.join(MANIFEST)).and_then(|text| Manifest::parse(&text));
        let report = report::read(folder);
        let (Some(manifest), Some(report)) = (manifest.filter(|manifest| manifest.is_ours(options)), report) else {
            return Present::default();
        };
        let with_module = manifest.lines.iter().filter(|line| line.code.is_some());
        let Ok(tree) = Node::root(with_module.map(|line| (line.id.as_str(), (Path::new(&line.path), String::new()))))
        else {
            return Present::default();
        };
        let lines = manifest.lines.into_iter().map(|line| (line.id.clone(), line)).collect();
        Present { folder: folder.to_owned(), lines, tree, report }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns a module if generating it again would give the file that exists, and its lines of the report. A file or a
    /// report that was edited is not current.
    pub(crate) fn module(&self, path: &Path, node: &Node, id: &str, digest: u64) -> Option<Module> {
        let line = self.lines.get(id).filter(|line| line.digest == digest)?;
        self.tree.find(id).filter(|present| present.looks_like(node))?;
        let text = file::read_text(&self.folder.join(path))?;
        let notes = self.report.notes(id);
        let code = code_digest(&text, &notes);
        (line.code == Some(code)).then_some(Module { notes, code })
    }
}
