use std::path::{Path, PathBuf};

use crate::report::REPORT;
use crate::write::Changes;

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
    pub(crate) fn new(documents: usize, changes: Changes, lost: Vec<String>) -> Self {
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
