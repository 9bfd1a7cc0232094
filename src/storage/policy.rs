use std::time::Duration;

use crate::files::Lifecycle;

const MIB: u64 = 1 << 20;

/// Maximum parts of one file that the CDN accepts.
pub(super) const MAX_PARTS: u64 = 10_000;

/// Maximum size of a file: 5 TiB, as for any object storage that fal may use.
pub(super) const MAX_FILE: u64 = 5 << 40;

/// Maximum size of a part: 5 GiB, as for any object storage that fal may use.
const MAX_PART: u64 = 5 << 30;

/// Settings for uploads: of one upload, or of all uploads of a client.
///
/// ```
/// use fal_client::{Client, UploadPolicy};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let policy = UploadPolicy::default().inline_below(16 * 1024).parallel_parts(8);
/// let client = Client::builder().key("id:secret").uploads(policy).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct UploadPolicy {
    pub(crate) repository: Repository,
    pub(super) fallback: Option<Repository>,
    pub(super) multipart_above: u64,
    pub(crate) part_size: u64,
    pub(super) parallel_parts: usize,
    pub(crate) parallel_files: usize,
    pub(crate) inline_below: u64,
    pub(super) lifecycle: Lifecycle,
}

/// The storage that files are uploaded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repository {
    /// fal's CDN, with an upload token. The client fetches the token with its key and replaces it shortly before it
    /// expires.
    Cdn,
    /// fal's CDN, with a signed URL for each file.
    Signed,
    /// fal's storage at Google, with a signed URL for each file.
    Gcs,
}

impl Repository {
    /// The name in errors.
    pub(super) fn name(self) -> &'static str {
        match self {
            Repository::Cdn => "fal's CDN",
            Repository::Signed => "fal's CDN by a signed URL",
            Repository::Gcs => "fal's storage at Google",
        }
    }
}

impl Default for UploadPolicy {
    /// The CDN, with Google as the fallback. Files above 90 MiB are sent in parts of 10 MiB. Four files, and four parts
    /// of each, are sent concurrently. No files are inlined. The lifecycle is the account's setting.
    fn default() -> Self {
        UploadPolicy {
            repository: Repository::Cdn,
            fallback: Some(Repository::Gcs),
            multipart_above: 90 * MIB,
            part_size: 10 * MIB,
            parallel_parts: 4,
            parallel_files: 4,
            inline_below: 0,
            lifecycle: Lifecycle::default(),
        }
    }
}

impl UploadPolicy {
    /// Sets the storage for files. Default: [`Repository::Cdn`].
    pub fn repository(mut self, repository: Repository) -> Self {
        self.repository = repository;
        self
    }

    /// Sets the storage to try if an upload to the repository fails. `None` disables it.
    /// Default: [`Repository::Gcs`].
    pub fn fallback(mut self, repository: impl Into<Option<Repository>>) -> Self {
        self.fallback = repository.into();
        self
    }

    /// Sets the size in bytes above which a file is sent in parts. Default: 90 MiB.
    ///
    /// Parts are sent concurrently and retried independently. A reader cannot be read again, so that it is sent in
    /// parts as soon as it exceeds one part.
    pub fn multipart_above(mut self, bytes: u64) -> Self {
        self.multipart_above = bytes;
        self
    }

    /// Sets the size of a part in bytes. The last part may be smaller. Default: 10 MiB. Range: 1 byte to 5 GiB.
    ///
    /// fal may reject parts of less than 5 MiB, and accepts at most 10,000 parts. Larger files get larger parts, of up to
    /// 525 MiB for a file of 5 TiB. A larger file is an error before anything is sent, and so is a reader of undeclared
    /// length that exceeds 10,000 parts, once it does.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = bytes.clamp(1, MAX_PART);
        self
    }

    /// Sets the number of parts of a file that are sent concurrently. Default: 4. Minimum: 1.
    ///
    /// The parts of a reader are kept in memory while they are sent.
    pub fn parallel_parts(mut self, parts: usize) -> Self {
        self.parallel_parts = parts.max(1);
        self
    }

    /// Sets the number of files of an input that are uploaded concurrently. Default: 4. Minimum: 1.
    pub fn parallel_files(mut self, files: usize) -> Self {
        self.parallel_files = files.max(1);
        self
    }

    /// Sets the size in bytes below which an input's files become data URIs instead of uploads. Default: 0 (never).
    ///
    /// fal advises against data URIs of more than a few kilobytes, and some models do not accept them. A reader of
    /// unknown length qualifies if it is smaller than one part.
    pub fn inline_below(mut self, bytes: u64) -> Self {
        self.inline_below = bytes;
        self
    }

    pub(crate) fn lifetime(&self) -> Option<Duration> {
        self.lifecycle.lifetime()
    }

    /// Sets the expiration of uploaded files and who may read them. Default: the account's setting.
    pub fn lifecycle(mut self, lifecycle: Lifecycle) -> Self {
        self.lifecycle = lifecycle;
        self
    }
}

/// Returns the size of a file's parts: `preferred`, or more if the file would exceed [`MAX_PARTS`].
pub(super) fn part_size(preferred: u64, length: u64) -> u64 {
    preferred.max(length.div_ceil(MAX_PARTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// fal's JavaScript client sends up to 90 MiB in one request, and larger files in parts of 10 MiB.
    #[test]
    fn defaults_are_those_of_fals_own_client() {
        let policy = UploadPolicy::default();
        assert_eq!((policy.multipart_above, policy.part_size), (94_371_840, 10_485_760));
        assert_eq!((policy.repository, policy.fallback), (Repository::Cdn, Some(Repository::Gcs)));
    }
}
