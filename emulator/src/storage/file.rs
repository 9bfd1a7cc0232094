use std::time::SystemTime;

use tokio::time::Instant;

use crate::media::media_file::MediaFile;
use crate::storage::content::Content;
use crate::storage::lifecycle::Lifecycle;

/// A file that an emulator keeps.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Files are numbered in the order in which they came.
    pub(super) number: u64,
    /// `v3.fal.media/files/uploads/0123456789abcdef_room.png`
    pub(crate) path: String,
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) kept: Kept,
    pub(crate) lifecycle: Lifecycle,
    /// When it is gone.
    pub(super) expires: Option<(Instant, SystemTime)>,
}

/// How a file is kept.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    /// It was uploaded, in so many parts where it was a multipart upload.
    Uploaded(Content, Option<usize>),
    /// A request made it.
    Made(Content),
    /// A request made it, and it is drawn again whenever it is asked for.
    Drawn(MediaFile),
}

impl File {
    pub(super) fn is_gone(&self, now: Instant) -> bool {
        self.expires.is_some_and(|(instant, _)| now >= instant)
    }
}
