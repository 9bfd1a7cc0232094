//! The cache between runs: modules of unchanged documents are not generated again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::manifest::{MANIFEST, Manifest};
use crate::render;
use crate::report::{self, Report};
use crate::tree::Node;

/// The reusable contents of the folder from the last run.
#[derive(Debug, Default)]
pub(crate) struct Present {
    folder: PathBuf,
    digests: BTreeMap<String, u64>,
    tree: Node,
    report: Report,
}

impl Present {
    /// Reads a folder. Without a report, or without a manifest of this very generator, nothing is reusable.
    pub(crate) fn read(folder: &Path, options: &render::Options) -> Present {
        let manifest = fs::read_to_string(folder.join(MANIFEST)).ok().and_then(|text| Manifest::parse(&text));
        let report = report::read(folder);
        let (Some(manifest), Some(report)) = (manifest.filter(|manifest| manifest.is_ours(options)), report) else {
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

    pub(crate) fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Returns a module's notes if generating the module again would give the file that exists.
    pub(crate) fn notes(&self, path: &Path, node: &Node, id: &str, digest: u64) -> Option<Vec<String>> {
        let is_current = self.digests.get(id) == Some(&digest)
            && self.tree.find(id).is_some_and(|present| present.looks_like(node))
            && self.folder.join(path).is_file();
        is_current.then(|| self.report.notes(id))
    }
}
