//! The errors of the generator.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::prose::printable;

/// A problem with the documents, with its location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// The file or folder.
    pub file: PathBuf,
    /// A JSON pointer into the file, such as `/info/x-fal-metadata`. Empty for the whole file. Control characters are escaped,
    /// and a long pointer ends in an ellipsis.
    pub pointer: String,
    /// The problem, and the remedy where there is one. Control characters are escaped.
    pub reason: String,
}

/// The longest pointer, in characters.
const MAX_POINTER: usize = 1_000;

/// The longest reason, in characters.
const MAX_REASON: usize = 4_000;

/// The longest path that is displayed, in characters. Systems allow as much.
const MAX_PATH: usize = 4_096;

impl Finding {
    pub(crate) fn new(file: impl AsRef<Path>, pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        // A build script prints findings, and cargo takes a line of its output for an instruction.
        let pointer = printable(&pointer.into(), MAX_POINTER);
        Finding { file: file.as_ref().to_owned(), pointer, reason: printable(&reason.into(), MAX_REASON) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.file.display().to_string(), MAX_PATH))?;
        if !self.pointer.is_empty() {
            write!(f, " at {}", self.pointer)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// All problems with the documents. Unless writing itself failed, nothing was written.
///
/// `Debug` prints the same as `Display`, one finding a line, so that the error of a build script is readable.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    findings: Vec<Finding>,
}

impl Error {
    pub(crate) fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort();
        Error { findings }
    }

    /// Returns the problems, sorted by file.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl From<Finding> for Error {
    fn from(finding: Finding) -> Self {
        Error::new(vec![finding])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
