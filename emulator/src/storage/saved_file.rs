use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

#[cfg(feature = "state")]
use crate::media::media_file::MediaFile;
use crate::saved::change::nanos;
#[cfg(feature = "state")]
use crate::saved::change::time;
#[cfg(feature = "state")]
use crate::storage::acl::Acl;
#[cfg(feature = "state")]
use crate::storage::content::Content;
use crate::storage::file::{Appears, File, FileData};
#[cfg(feature = "state")]
use crate::storage::lifecycle::Lifecycle;
#[cfg(feature = "state")]
use crate::time::clock::Clock;

/// The record of a file in the state file.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SavedFile {
    number: u64,
    name: String,
    content_type: String,
    data: SavedData,
    acl: Value,
    /// Nanoseconds since 1970.
    expires_at: Option<u64>,
    /// Nanoseconds since 1970, 0 for a file that can be read from the start, and `None` for one that never can.
    appears_at: Option<u64>,
}

/// The origin of a file.
#[derive(Debug, Deserialize, Serialize)]
enum SavedData {
    /// An upload, with the number of its parts if it was a multipart upload.
    Uploaded(Option<usize>),
    Generated,
    /// The path that determines what is drawn.
    Drawn(String),
}

impl SavedFile {
    /// Makes the record of a file. `now` is the instant of `date`.
    pub(crate) fn new(file: &File, now: Instant, date: SystemTime) -> Self {
        SavedFile {
            number: file.number,
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            data: match &file.data {
                FileData::Uploaded(_, parts) => SavedData::Uploaded(*parts),
                FileData::Generated(_) => SavedData::Generated,
                FileData::Drawn(drawn) => SavedData::Drawn(drawn.path()),
            },
            acl: file.lifecycle.acl.json(),
            expires_at: file.expires.map(|(_, date)| nanos(date)),
            appears_at: match file.appears {
                Appears::Immediately => Some(0),
                Appears::At(instant) => Some(nanos(date + instant.saturating_duration_since(now))),
                Appears::Never => None,
            },
        }
    }

    /// Returns whether the file has a stored content.
    #[cfg(feature = "state")]
    pub(crate) fn has_content(&self) -> bool {
        !matches!(self.data, SavedData::Drawn(_))
    }

    /// Returns the file of the record, or `None` if the record is invalid.
    #[cfg(feature = "state")]
    pub(crate) fn restore(&self, path: String, content: Option<Content>, clock: &Clock) -> Option<File> {
        let (now, date) = (clock.now(), clock.date());
        let left = |nanos: u64| time(nanos).duration_since(date).unwrap_or_default();
        let expires = self.expires_at.and_then(|at| now.checked_add(left(at)).map(|instant| (instant, time(at))));
        Some(File {
            number: self.number,
            path,
            name: self.name.clone(),
            content_type: self.content_type.clone(),
            data: match (&self.data, content) {
                (SavedData::Uploaded(parts), Some(content)) => FileData::Uploaded(content, *parts),
                (SavedData::Generated, Some(content)) => FileData::Generated(content),
                (SavedData::Drawn(path), _) => FileData::Drawn(MediaFile::from_path(path)?),
                (_, None) => return None,
            },
            lifecycle: Lifecycle { expires_after: None, acl: Acl::parse(&self.acl)? },
            expires,
            appears: match self.appears_at {
                Some(0) => Appears::Immediately,
                Some(at) => now.checked_add(left(at)).map_or(Appears::Never, Appears::At),
                None => Appears::Never,
            },
        })
    }
}
