use std::io;

use crate::emulator::Emulator;
use crate::storage::lifecycle::Lifecycle;
use crate::storage::metadata::Metadata;
use crate::storage::stored_file::StoredFile;

impl Emulator {
    /// Returns the uploaded files that have not expired, oldest first.
    pub fn files(&self) -> Vec<StoredFile> {
        self.state.store.uploaded()
    }

    /// Adds a file to the emulated CDN, as if it had been uploaded.
    ///
    /// # Errors
    ///
    /// Fails if the emulator's temporary file cannot be written, or exceeds 16 GiB, or
    /// if there are 100,000 files.
    pub fn add_file(&self, name: &str, content_type: &str, bytes: &[u8]) -> io::Result<StoredFile> {
        let mut blob = self.state.store.blob();
        blob.append(bytes)?;
        let lifecycle = Lifecycle::default();
        let metadata = Metadata { name: name.to_owned(), content_type: content_type.to_owned(), lifecycle };
        Ok(self.state.store.add(metadata, blob)?)
    }
}
