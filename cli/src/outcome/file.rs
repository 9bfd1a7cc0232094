use std::path::{Path, PathBuf};

use fal_client::{MediaFile, MediaKind};
use fal_documents::text::printable;
use fal_jobs::SavedFile;
use indicatif::DecimalBytes;
use serde_json::{Value, json};

use super::MAX_TEXT;

/// A file of an output.
#[derive(Debug)]
pub(crate) struct OutcomeFile {
    /// The place in the output, such as `images[0]`.
    pub(crate) path: String,
    pub(crate) url: String,
    /// The path of the saved file, if it was saved.
    pub(crate) file: Option<PathBuf>,
    pub(crate) size: Option<u64>,
    pub(crate) content_type: Option<String>,
    #[cfg_attr(not(feature = "preview"), allow(dead_code))]
    pub(crate) is_image: bool,
    /// True if the output says that the file is unsafe.
    pub(crate) is_flagged: bool,
}

impl OutcomeFile {
    /// Creates the file of an output, that was saved in a folder if `saved` is set.
    pub(crate) fn new(media: MediaFile, saved: Option<&SavedFile>, folder: &Path) -> Self {
        let content_type = saved.and_then(|saved| saved.content_type.clone()).or(media.content_type);
        OutcomeFile {
            file: saved.and_then(|saved| Some(folder.join(saved.file_name.as_ref()?))),
            size: saved.map(|saved| saved.size).or(media.file_size),
            is_image: media.kind == MediaKind::Image,
            is_flagged: media.flagged == Some(true),
            url: media.url,
            path: media.path,
            content_type,
        }
    }

    /// Returns the path of the saved file, or else the URL. Of a data URI, only the part before the bytes.
    pub(crate) fn place(&self) -> String {
        if let Some(file) = &self.file {
            return printable(&file.display().to_string(), usize::MAX);
        }
        let is_data = self.url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
        match self.url.split_once(',').filter(|_| is_data) {
            Some((head, _)) => format!("{},…", printable(head, MAX_TEXT)),
            None => printable(&self.url, usize::MAX),
        }
    }

    /// Describes the file: its place, its type, its width and height, and its size.
    pub(super) fn describe(&self, pixels: Option<(u64, u64)>) -> String {
        let mut facts = Vec::new();
        facts.extend(self.content_type.as_deref().map(|content_type| printable(content_type, 40)));
        facts.extend(pixels.map(|(width, height)| format!("{width}x{height}")));
        facts.extend(self.size.map(|size| DecimalBytes(size).to_string()));
        if self.is_flagged {
            facts.push("flagged as unsafe".to_owned());
        }
        match facts.is_empty() {
            true => self.place(),
            false => format!("{} ({})", self.place(), facts.join(", ")),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "path": self.path,
            "url": self.url,
            "file": self.file.as_ref().map(|file| file.display().to_string()),
            "size": self.size,
            "content_type": self.content_type,
            "is_flagged": self.is_flagged,
        })
    }
}
