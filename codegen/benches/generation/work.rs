//! A temporary folder with documents and generated code.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{fs, io};

use tempfile::TempDir;

pub(crate) struct Work {
    folder: TempDir,
}

impl Work {
    /// Writes the documents.
    pub(crate) fn new<'a>(documents: impl IntoIterator<Item = &'a String>) -> io::Result<Self> {
        let work = Work { folder: tempfile::tempdir()? };
        fs::create_dir(work.schemas())?;
        for (number, text) in documents.into_iter().enumerate() {
            fs::write(work.schemas().join(format!("d{number}.json")), text)?;
        }
        Ok(work)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn schemas(&self) -> PathBuf {
        self.path("schemas")
    }

    /// Returns the number of documents.
    pub(crate) fn documents(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.schemas())?.count())
    }

    pub(crate) fn remove(&self, documents: &BTreeSet<String>) -> io::Result<()> {
        documents.iter().try_for_each(|name| fs::remove_file(self.schemas().join(format!("{name}.json"))))
    }
}
