use crate::files::Lifecycle;

const MIB: u64 = 1 << 20;

/// The most parts of one file that the CDN takes.
pub(super) const MAX_PARTS: u64 = 10_000;

/// Where and how files are uploaded: for one upload, or for everything that a client uploads.
///
/// ```
/// use fal_client::{Client, UploadPolicy};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let policy = UploadPolicy::default().inline_below(16 * 1024).parts_at_once(8);
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
    pub(super) parts_at_once: usize,
    pub(crate) files_at_once: usize,
    pub(crate) inline_below: u64,
    pub(super) lifecycle: Lifecycle,
}

/// Where uploads go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repository {
    /// fal's CDN, with a token that the client gets for its key and keeps until shortly before it expires.
    Cdn,
    /// fal's CDN, with a signed URL for each file.
    Signed,
    /// fal's storage at Google, with a signed URL for each file.
    Gcs,
}

impl Default for UploadPolicy {
    /// To the CDN, and to Google where that fails; in parts of 10 MiB above 90 MiB; four files at once and four parts of
    /// each; nothing inlined; the account's lifecycle.
    fn default() -> Self {
        UploadPolicy {
            repository: Repository::Cdn,
            fallback: Some(Repository::Gcs),
            multipart_above: 90 * MIB,
            part_size: 10 * MIB,
            parts_at_once: 4,
            files_at_once: 4,
            inline_below: 0,
            lifecycle: Lifecycle::default(),
        }
    }
}

impl UploadPolicy {
    /// Where files go (default [`Repository::Cdn`]).
    pub fn repository(mut self, repository: Repository) -> Self {
        self.repository = repository;
        self
    }

    /// Where a file goes that the repository did not take (default [`Repository::Gcs`]); `None` for nowhere.
    pub fn fallback(mut self, repository: impl Into<Option<Repository>>) -> Self {
        self.fallback = repository.into();
        self
    }

    /// Larger files are sent in parts, several at once, each of which is repeated on its own (default 90 MiB). A reader,
    /// which cannot be read again, is sent in parts whenever it has more than one part's bytes.
    pub fn multipart_above(mut self, bytes: u64) -> Self {
        self.multipart_above = bytes;
        self
    }

    /// How many bytes a part has (default 10 MiB), except the last. fal may refuse parts of less than 5 MiB, and more than
    /// 10,000 parts: for a larger file the parts grow. A reader that gives more than that, of which it was not said how much it
    /// gives, is an error.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = bytes.max(1);
        self
    }

    /// How many parts of a file are sent at once (default 4). Parts of a reader are held in memory for so long.
    pub fn parts_at_once(mut self, parts: usize) -> Self {
        self.parts_at_once = parts.max(1);
        self
    }

    /// How many files of an input are uploaded at once (default 4).
    pub fn files_at_once(mut self, files: usize) -> Self {
        self.files_at_once = files.max(1);
        self
    }

    /// Files of an input that have fewer bytes than this are not uploaded: they go into the input as data URIs (default 0,
    /// which is no file). fal advises against data URIs of more than a few kilobytes, and not every model takes them. A
    /// reader whose length is not known counts if it has less than one part's bytes.
    pub fn inline_below(mut self, bytes: u64) -> Self {
        self.inline_below = bytes;
        self
    }

    /// How long uploaded files live and who may read them (default: the account's setting).
    pub fn lifecycle(mut self, lifecycle: Lifecycle) -> Self {
        self.lifecycle = lifecycle;
        self
    }
}

/// The size of a file's parts: the preferred one, or a larger one if there were more than [`MAX_PARTS`].
pub(super) fn part_size(preferred: u64, length: u64) -> u64 {
    preferred.max(length.div_ceil(MAX_PARTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// fal's JavaScript client sends 90 MiB at once, and anything larger in parts of 10 MiB.
    #[test]
    fn the_numbers_are_those_of_fals_own_client() {
        let policy = UploadPolicy::default();
        assert_eq!((policy.multipart_above, policy.part_size), (94_371_840, 10_485_760));
        assert_eq!((policy.repository, policy.fallback), (Repository::Cdn, Some(Repository::Gcs)));
    }
}
