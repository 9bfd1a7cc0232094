//! The errors of the generator.

use std::fmt;
use std::path::{Path, PathBuf};

/// A problem with the documents, with its location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// The file or folder.
    pub file: PathBuf,
    /// A JSON pointer into the file, such as `/info/x-fal-metadata`. Empty for the whole file.
    pub pointer: String,
    /// The problem, and the remedy where there is one.
    pub reason: String,
}

impl Finding {
    pub(crate) fn new(file: impl AsRef<Path>, pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Finding { file: file.as_ref().to_owned(), pointer: pointer.into(), reason: reason.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
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
