use std::time::SystemTime;

use tokio::time::Instant;

use crate::media::media_file::MediaFile;
use crate::storage::content::Content;
use crate::storage::lifecycle::Lifecycle;

/// A file that an emulator stores.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Files are numbered in the order in which they were added.
    pub(super) number: u64,
    /// `v3.fal.media/files/uploads/0123456789abcdef_room.png`
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) data: FileData,
    pub(crate) lifecycle: Lifecycle,
    /// The time of expiry.
    pub(super) expires: Option<(Instant, SystemTime)>,
    /// The time from which on the file can be read: the end of its upload.
    pub(super) appears: Appears,
}

/// The time from which on a file can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appears {
    Immediately,
    At(Instant),
    Never,
}

/// The data of a stored file.
#[derive(Clone, Debug)]
pub(crate) enum FileData {
    /// An upload, with the number of its parts if it was a multipart upload.
    Uploaded(Content, Option<usize>),
    /// A file that a job generated.
    Generated(Content),
    /// A file that a job generated and that is drawn whenever it is read.
    Drawn(MediaFile),
}

impl FileData {
    /// Returns the stored content.
    pub(super) fn content(&self) -> Option<&Content> {
        match self {
            FileData::Uploaded(content, _) | FileData::Generated(content) => Some(content),
            FileData::Drawn(_) => None,
        }
    }
}

impl File {
    pub(super) fn has_appeared(&self, now: Instant) -> bool {
        match self.appears {
            Appears::Immediately => true,
            Appears::At(instant) => now >= instant,
            Appears::Never => false,
        }
    }

    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|(instant, _)| now >= instant)
    }
}
