use std::fmt;

use super::media_url::MediaUrl;
use super::search;
use crate::files::{FileInput, data_uri};
use crate::schema::SchemaType;
use crate::text::Redacted;

/// Finds the files of an output.
///
/// ```
/// use fal_client::{Media, MediaKind};
///
/// let output = serde_json::json!({
///     "images": [{ "url": "https://v3.fal.media/files/b/a/fox.png", "content_type": "image/png" }],
///     "has_nsfw_concepts": [false],
/// });
/// let files = output.media();
/// assert_eq!((files[0].path.as_str(), files[0].kind, files[0].flagged), ("images[0]", MediaKind::Image, Some(false)));
/// ```
///
/// Generated outputs, their parts and [`Json`](crate::Json) have this method. [`Response::media`](crate::Response::media) needs
/// no import.
pub trait Media: SchemaType {
    /// Returns every file of the output, in the order of its fields.
    ///
    /// | value | is a file |
    /// | --- | --- |
    /// | `Image`, `Video`, `Audio`, `File`, and other objects with `url` and a file's metadata | if the URL is not empty |
    /// | an object with a `url` and no metadata | if its field names a kind of file (`images`, `mask`), or the URL does |
    /// | a string in a field such as `image`, `video_url` or `image_urls` | if it is an http, https or data URL |
    /// | a string in another field whose name ends in `url` or `file` | if the URL has the name of a file, or fal hosts it |
    /// | any other string, such as a link in a text | no |
    ///
    /// The metadata of a file are `content_type`, `file_name`, `file_size` and `file_data`. This applies to typed and untyped
    /// outputs, to lists, maps and unions, and to objects inside a file. At most 10,000 files are returned, at paths of at most
    /// 4096 bytes and 128 levels.
    fn media(&self) -> Vec<MediaFile> {
        search::files(self, &[])
    }
}

impl<T: SchemaType> Media for T {}

/// A file of an output, with its place in it. Returned by [`Response::media`](crate::Response::media) and [`Media::media`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let response = client.endpoint("fal-ai/flux/dev").subscribe(serde_json::json!({ "prompt": "a fox" })).await?;
/// let shown = response.media().into_iter().filter(|file| file.flagged != Some(true));
/// client.download_all(shown, "foxes").await?;
/// # Ok(())
/// # }
/// ```
///
/// Downloads take it like an [`Image`](crate::Image), and inputs as a file.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct MediaFile {
    /// The path of the file in the output, such as `images[0]` or `video_url`.
    pub path: String,
    /// The kind of file: by its type in the schema, else by its media type, the extension of its name or URL, the name of its
    /// field, and its other fields.
    pub kind: MediaKind,
    /// The URL of the file. A data URI if the endpoint was asked to return files inline.
    pub url: String,
    /// The media type, such as `image/png`, if the output has it.
    pub content_type: Option<String>,
    /// The file's name, if the output has it.
    pub file_name: Option<String>,
    /// The size in bytes, if the output has it.
    pub file_size: Option<u64>,
    /// True if the output says that the file is unsafe, false if it says that it is safe, and `None` if it says nothing.
    ///
    /// The output says so in `has_nsfw_concepts`, or in a field of a similar name, next to the file or in an object around it. Of
    /// an array, the value at an index belongs to the file at the index. If the array is longer than that of the files, or if
    /// there is only one file, the values count if they all agree.
    pub flagged: Option<bool>,
}

/// The kind of a file of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaKind {
    /// An image.
    Image,
    /// A video.
    Video,
    /// Audio.
    Audio,
    /// Another file, such as an archive or a 3D model, or a file of an unknown kind.
    File,
}

impl MediaKind {
    /// Returns the media types of the kind.
    fn class(self) -> Option<&'static str> {
        match self {
            MediaKind::Image => Some("image/*"),
            MediaKind::Video => Some("video/*"),
            MediaKind::Audio => Some("audio/*"),
            MediaKind::File => None,
        }
    }
}

impl From<&MediaFile> for MediaUrl {
    fn from(file: &MediaFile) -> Self {
        file.clone().into()
    }
}

impl From<MediaFile> for MediaUrl {
    fn from(file: MediaFile) -> Self {
        let MediaFile { kind, url, content_type, file_name, file_size, .. } = file;
        let mut media = MediaUrl::from(url);
        (media.name, media.content_type, media.class) = (file_name, content_type, kind.class());
        media.size = file_size;
        media
    }
}

/// Uses a file of one endpoint's output as another endpoint's input.
impl From<&MediaFile> for FileInput {
    fn from(file: &MediaFile) -> Self {
        FileInput::url(&file.url)
    }
}

impl From<MediaFile> for FileInput {
    fn from(file: MediaFile) -> Self {
        FileInput::url(file.url)
    }
}

/// Shows a URL, never the bytes of a data URI.
impl fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaFile")
            .field("path", &Redacted(&self.path))
            .field("kind", &self.kind)
            .field("url", &format_args!("{}", data_uri::shorten(&self.url)))
            .field("content_type", &Redacted(&self.content_type))
            .field("file_name", &Redacted(&self.file_name))
            .field("file_size", &self.file_size)
            .field("flagged", &self.flagged)
            .finish()
    }
}
