use std::path::{Path, PathBuf};

use fal_documents::Finding;
use fal_documents::text::printable;

use crate::report::REPORT;
use crate::write::Changes;

/// The longest path that a warning names, in characters.
const MAX_PATH: usize = 4_096;

/// The result of generating or checking. Paths are relative to the output folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The number of documents.
    pub documents: usize,
    /// New and changed files.
    pub written: Vec<PathBuf>,
    /// Files removed because no document generates them any more.
    pub removed: Vec<PathBuf>,
    /// The number of files that were up to date.
    pub unchanged: usize,
    /// New lines of `REPORT.md`, each with its endpoint: parts of schemas that the generated code does not express.
    pub lost: Vec<String>,
    /// The files and folders that look like documents and were not read, each with the reason: `DIALOG.JSON`, `dialog.yaml`,
    /// `.dialog.json`, a linked folder.
    pub passed_over: Vec<Finding>,
    /// Likely mistakes in documents that are not errors: a key that an object has twice, at most one a file, where the last one
    /// counts; an unknown key of a short form; an input whose component is missing.
    pub mistakes: Vec<Finding>,
}

impl Summary {
    pub(crate) fn new(documents: usize, changes: Changes, lost: Vec<String>) -> Self {
        let Changes { write, remove, unchanged } = changes;
        Summary {
            documents,
            written: write.into_keys().collect(),
            removed: remove,
            unchanged,
            lost,
            ..Summary::default()
        }
    }

    /// Returns a warning if there are new lines in the report in `folder`, or if there were no documents.
    pub fn warning(&self, folder: &Path) -> Option<String> {
        let report = printable(&folder.join(REPORT).display().to_string(), MAX_PATH);
        match self.lost.len() {
            0 if self.documents == 0 => {
                Some("no documents found: expected files that end in `.json`, but not in `.patch.json`".to_owned())
            }
            0 => None,
            1 => Some(format!("1 part of the schemas is not expressed in the generated code, see {report}")),
            many => Some(format!("{many} parts of the schemas are not expressed in the generated code, see {report}")),
        }
    }

    /// Returns a line for each file that was passed over, and for each likely mistake.
    pub fn hints(&self) -> impl Iterator<Item = String> {
        let passed_over = self.passed_over.iter().map(|finding| format!("passed over: {finding}"));
        passed_over.chain(self.mistakes.iter().map(Finding::to_string))
    }

    /// Returns true if no file was, or would be, written or removed.
    pub fn is_current(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty()
    }
}
