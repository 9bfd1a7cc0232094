use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::storage::content::Content;
use crate::storage::file::File;

/// An uploaded file.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = fal_emulator::Emulator::start().await?;
/// for file in emulator.files() {
///     println!("{} ({}): {} bytes, SHA-256 {}", file.name(), file.content_type(), file.size(), file.sha256()?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct StoredFile {
    pub(super) url: String,
    pub(super) file: Arc<File>,
    pub(super) content: Content,
    pub(super) parts: Option<usize>,
}

impl StoredFile {
    /// Returns the URL, below the emulator's base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn path(&self) -> &str {
        &self.file.path
    }

    /// Returns the file name. Default: `upload.bin`.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// Returns the content type. Default: `application/octet-stream`.
    pub fn content_type(&self) -> &str {
        &self.file.content_type
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.content.size()
    }

    /// Returns the number of parts of a multipart upload, or `None` for an upload in one request.
    pub fn parts(&self) -> Option<usize> {
        self.parts
    }

    /// Returns the lifetime after the upload, or `None` if the file does not expire.
    pub fn expires_after(&self) -> Option<Duration> {
        self.file.lifecycle.expires_after
    }

    /// Returns the time of expiry on the emulator's clock, or `None` if the file does not expire.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.file.expires.map(|(_, date)| date)
    }

    /// Returns the ACL. Default: `{"default": "allow", "rules": []}`, which lets everyone read the file.
    pub fn acl(&self) -> Value {
        self.file.lifecycle.acl.json()
    }

    /// Reads the content.
    ///
    /// # Errors
    ///
    /// Fails if the emulator's temporary file cannot be read.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        Ok(self.content.read(u64::MAX)?.unwrap_or_default())
    }

    /// Computes the SHA-256 in lower-case hexadecimal. The content is read in chunks, so that memory use stays small
    /// for large files.
    ///
    /// # Errors
    ///
    /// Fails if the emulator's temporary file cannot be read.
    pub fn sha256(&self) -> io::Result<String> {
        let mut digest = Sha256::new();
        for chunk in self.content.chunks(0..self.size()) {
            digest.update(chunk?);
        }
        Ok(hex(&digest.finalize()))
    }
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFile")
            .field("url", &self.url())
            .field("name", &self.name())
            .field("content_type", &self.content_type())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
