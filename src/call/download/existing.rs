use std::fs;
use std::path::Path;

use crate::files::data_uri;
use crate::media::MediaUrl;

/// The treatment of files that exist where a download is to be saved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Existing {
    pub(super) overwrite: bool,
    /// Keeps a file of the same name and size instead of downloading it.
    pub(super) keep: bool,
}

/// The state of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A download may be saved there.
    Free,
    /// It has the file, which is kept.
    Kept,
    /// It has something else.
    Taken,
}

/// The facts about a file that are known without receiving it.
#[derive(Debug)]
pub(super) enum Known {
    /// Its size, if any.
    Size(Option<u64>),
    /// All its bytes, which were in the output.
    Bytes(bytes::Bytes),
}

impl Known {
    /// Returns what is known about a file: its bytes if the output has them, or else its size, by its host or by the output.
    pub(super) fn of(media: &MediaUrl, by_host: Option<u64>) -> Self {
        match data_uri::decode(media.as_str()).filter(|_| data_uri::is_data_uri(media.as_str())) {
            Some((_, bytes)) => Known::Bytes(bytes),
            None => Known::Size(by_host.or(media.size)),
        }
    }

    /// Returns true if a local file of a length is the file, as far as is known. An empty file counts only if the file is
    /// known to be empty.
    fn fits(&self, path: &Path, length: u64) -> bool {
        match self {
            Known::Size(Some(size)) => *size == length,
            Known::Size(None) => length > 0,
            Known::Bytes(bytes) => length == bytes.len() as u64 && fs::read(path).is_ok_and(|found| found == *bytes),
        }
    }
}

impl Existing {
    /// Returns the state of a path.
    pub(super) fn at(self, path: &Path, known: &Known) -> Found {
        match fs::metadata(path) {
            Ok(found) if found.is_file() && self.keep && known.fits(path, found.len()) => Found::Kept,
            Ok(found) if found.is_file() && self.overwrite => Found::Free,
            Ok(_) => Found::Taken,
            // A link that leads nowhere has the name, too.
            Err(_) if !self.overwrite && fs::symlink_metadata(path).is_ok() => Found::Taken,
            Err(_) => Found::Free,
        }
    }
}
