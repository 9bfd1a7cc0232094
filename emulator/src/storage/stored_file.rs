use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::storage::content::Content;
use crate::storage::file::File;

/// A file that was uploaded.
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
    pub(super) file: Arc<File>,
    pub(super) content: Content,
    pub(super) parts: Option<usize>,
}

impl StoredFile {
    /// Where it can be read.
    pub fn url(&self) -> &str {
        &self.file.url
    }

    /// The name that it was given, `upload.bin` where it was given none.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The content type that it was given, `application/octet-stream` where it was given none.
    pub fn content_type(&self) -> &str {
        &self.file.content_type
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.content.size()
    }

    /// In how many parts it came; none where it came in one request.
    pub fn parts(&self) -> Option<usize> {
        self.parts
    }

    /// How long after its upload it is gone; none for never.
    pub fn expires_after(&self) -> Option<Duration> {
        self.file.lifecycle.expires_after
    }

    /// When it is gone, in the emulator's time.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.file.expires.map(|(_, date)| date)
    }

    /// Who may read it, `{"default": "allow", "rules": []}` for everybody.
    pub fn acl(&self) -> Value {
        self.file.lifecycle.acl.json()
    }

    /// All of it.
    ///
    /// # Errors
    ///
    /// What the system says where the emulator's temporary file cannot be read.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        Ok(self.content.whole(u64::MAX)?.unwrap_or_default())
    }

    /// The SHA-256 of it in lowercase hexadecimal. It is worked out here, and read piece by piece, so that it can be
    /// had of a large file too.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes).
    pub fn sha256(&self) -> io::Result<String> {
        let mut digest = Sha256::new();
        for chunk in self.content.chunks(0..self.size()) {
            digest.update(chunk?);
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
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
