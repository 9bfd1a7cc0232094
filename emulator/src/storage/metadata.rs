use crate::media::media_file::MediaFile;
use crate::storage::lifecycle::Lifecycle;

/// The metadata of a file, given before its content.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) lifecycle: Lifecycle,
}

impl Metadata {
    pub(crate) fn of(file: &MediaFile, lifecycle: Lifecycle) -> Self {
        Metadata { name: file.file_name(), content_type: file.content_type().to_owned(), lifecycle }
    }
}
