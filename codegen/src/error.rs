//! The error of the generator.

use std::fmt;

use fal_documents::Finding;

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
