use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::text::printable;

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
    /// Creates a finding at a pointer into a file. Empty for the whole file.
    pub fn new(file: impl AsRef<Path>, pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        // A build script prints findings, and cargo takes a line of its output for an instruction.
        let pointer = printable(&pointer.into(), MAX_POINTER);
        Finding { file: file.as_ref().to_owned(), pointer, reason: printable(&reason.into(), MAX_REASON) }
    }

    /// Creates a finding about a file or folder that the system does not let be used: `cannot read the file: …`.
    pub fn io(file: impl AsRef<Path>, cannot: &str, error: &io::Error) -> Self {
        Finding::new(file, "", format!("cannot {cannot}: {error}"))
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
