use serde::{Deserialize, Serialize};

/// A file of an output that was saved. [`Record::files`](crate::Record::files) returns them.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
/// for file in journal.get("hero-image").await?.iter().flat_map(|job| job.files()) {
///     println!("{} is {:?}, {} bytes of {:?}", file.path, file.file_name, file.size, file.content_type);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SavedFile {
    /// The path of the file in the output, such as `images[0]`.
    pub path: String,
    /// The URL in the output. Of a data URI, only the part before the bytes.
    pub url: String,
    /// The name in the folder: by default, the SHA-256 with an extension. `None` if a writer received the file.
    pub file_name: Option<String>,
    /// The SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// The number of bytes.
    pub size: u64,
    /// The media type, such as `image/png`, if it is known.
    pub content_type: Option<String>,
}

/// Merges saved files into a job's column `files`. A file replaces that of the same path.
pub(crate) fn merged(files: Option<&str>, saved: &[SavedFile]) -> Option<String> {
    let mut files = parsed(files);
    files.retain(|file| saved.iter().all(|saved| saved.path != file.path));
    files.extend_from_slice(saved);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    serde_json::to_string(&files).ok()
}

/// Parses a job's column `files`. Files of an unreadable column are saved again.
pub(crate) fn parsed(files: Option<&str>) -> Vec<SavedFile> {
    files.and_then(|files| serde_json::from_str(files).ok()).unwrap_or_default()
}
