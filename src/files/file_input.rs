use std::fmt;
use std::path::{Path, PathBuf};
#[cfg(feature = "image")]
use std::sync::Arc;

use bytes::Bytes;
use serde::de::Deserializer;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;

use super::content_type;
use super::data_uri;
use super::reader::OnceReader;

/// A file for an input: a URL, bytes, a local path, or a reader.
///
/// ```
/// use fal_client::FileInput;
///
/// let hosted = FileInput::from("https://example.com/room.png");
/// let drawn = FileInput::bytes(vec![0x89, b'P', b'N', b'G'], "image/png").name("mask.png");
/// let local = FileInput::path("room.png");
/// # let _ = (hosted, drawn, local);
/// ```
///
/// Anything that is not a URL is uploaded when the call is awaited. The call then sends the URL of the upload. A data
/// URI is sent unchanged; fal advises against data URIs of more than a few kilobytes.
///
/// Only a [`Path`] and [`FileInput::path`] open local files. A string is never used as a path because it may be untrusted,
/// such as a value from a web request.
#[derive(Clone, PartialEq)]
pub struct FileInput {
    content: Content,
    name: Option<String>,
    content_type: Option<String>,
}

/// The source of a file's bytes.
#[derive(Clone, PartialEq)]
pub(crate) enum Content {
    /// A URL or a data URI.
    Text(String),
    Bytes(Bytes),
    Path(PathBuf),
    Reader(OnceReader),
    #[cfg(feature = "image")]
    Image(Arc<image::DynamicImage>),
}

impl FileInput {
    fn new(content: Content) -> Self {
        FileInput { content, name: None, content_type: None }
    }

    /// Creates a file from a URL or a data URI. Calls send it unchanged.
    pub fn url(url: impl Into<String>) -> Self {
        FileInput::new(Content::Text(url.into()))
    }

    /// Creates a file from bytes in memory, with its media type, such as `image/png`.
    ///
    /// If the media type is unknown, `FileInput::from(bytes)` detects it from the bytes and the file's name.
    pub fn bytes(bytes: impl Into<Bytes>, content_type: impl Into<String>) -> Self {
        FileInput::new(Content::Bytes(bytes.into())).content_type(content_type)
    }

    /// Creates a file from the local path of a regular file. For a pipe or a device, use [`FileInput::reader`].
    ///
    /// The file is read in chunks while it is sent. Its media type is detected from its first bytes and its name.
    pub fn path(path: impl AsRef<Path>) -> Self {
        FileInput::new(Content::Path(path.as_ref().to_owned()))
    }

    /// Creates a file from a reader. `length` is the number of bytes, if known.
    ///
    /// ```
    /// use fal_client::FileInput;
    ///
    /// let known = FileInput::reader(&b"abc"[..], 3).content_type("text/plain");
    /// let unknown = FileInput::reader(tokio::io::empty(), None).name("room.png");
    /// # let _ = (known, unknown);
    /// ```
    ///
    /// A reader can be read once: a second call with it, or with a clone of it, fails. Within one call, it can be used
    /// in any number of fields. The call also fails if the reader returns more or fewer bytes than declared.
    pub fn reader(reader: impl AsyncRead + Send + 'static, length: impl Into<Option<u64>>) -> Self {
        FileInput::new(Content::Reader(OnceReader::new(reader, length.into())))
    }

    /// Sets the file's name, which appears in the URL of the upload. Default: the path's file name, if any.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into()).filter(|name| !name.is_empty());
        self
    }

    /// Sets the media type, such as `image/png`. Default: detected from the bytes and the name.
    ///
    /// If the bytes and the name are of different types, that of the bytes is used: `fox.png` with the bytes of a JPEG is
    /// `image/jpeg`. A name that says more about the same format is used, such as `letter.docx` with the bytes of a ZIP file.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into()).filter(|content_type| !content_type.is_empty());
        self
    }

    /// Returns the URL or data URI, if the file is one.
    pub fn as_url(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the source, the name and the declared media type.
    pub(crate) fn into_parts(self) -> (Content, Option<String>, Option<String>) {
        let name = self.name.or_else(|| match &self.content {
            Content::Path(path) => Some(path.file_name()?.to_string_lossy().into_owned()),
            _ => None,
        });
        (self.content, name, self.content_type)
    }

    /// Returns the string if it is neither a URL nor a data URI.
    pub(crate) fn text_without_scheme(&self) -> Option<&str> {
        let text = self.as_url()?;
        let has = |scheme: &&str| {
            text.split_at_checked(scheme.len())
                .is_some_and(|(start, rest)| start.eq_ignore_ascii_case(scheme) && rest.starts_with(':'))
        };
        (!["http", "https", "data"].iter().any(has)).then_some(text)
    }
}

/// Shows the source of the file, never its bytes.
impl fmt::Debug for FileInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileInput(")?;
        match &self.content {
            Content::Text(text) => f.write_str(&data_uri::shorten(text))?,
            Content::Bytes(bytes) => write!(f, "{} bytes", bytes.len())?,
            Content::Path(path) => write!(f, "path {}", path.display())?,
            Content::Reader(reader) => write!(f, "{reader:?}")?,
            #[cfg(feature = "image")]
            Content::Image(image) => write!(f, "image of {} by {} pixels", image.width(), image.height())?,
        }
        if let Some(content_type) = &self.content_type {
            write!(f, " of {content_type}")?;
        }
        match &self.name {
            Some(name) => write!(f, ", named {name:?})"),
            None => f.write_str(")"),
        }
    }
}

impl From<&str> for FileInput {
    fn from(url: &str) -> Self {
        FileInput::url(url)
    }
}

impl From<String> for FileInput {
    fn from(url: String) -> Self {
        FileInput::url(url)
    }
}

impl From<&String> for FileInput {
    fn from(url: &String) -> Self {
        FileInput::url(url)
    }
}

/// Creates a file from a local path, as [`FileInput::path`] does.
impl From<&Path> for FileInput {
    fn from(path: &Path) -> Self {
        FileInput::path(path)
    }
}

/// Creates a file from a local path, as [`FileInput::path`] does.
impl From<PathBuf> for FileInput {
    fn from(path: PathBuf) -> Self {
        FileInput::new(Content::Path(path))
    }
}

/// Creates a file from a local path, as [`FileInput::path`] does.
impl From<&PathBuf> for FileInput {
    fn from(path: &PathBuf) -> Self {
        FileInput::path(path)
    }
}

impl From<url::Url> for FileInput {
    fn from(url: url::Url) -> Self {
        FileInput::url(url)
    }
}

/// Creates a file from bytes. The media type is detected from the bytes and the file's name.
impl From<Bytes> for FileInput {
    fn from(bytes: Bytes) -> Self {
        FileInput::new(Content::Bytes(bytes))
    }
}

/// Creates a file from bytes. The media type is detected from the bytes and the file's name.
impl From<Vec<u8>> for FileInput {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

/// Creates a file from an image, which is encoded as PNG when it is sent.
#[cfg(feature = "image")]
impl From<image::DynamicImage> for FileInput {
    fn from(image: image::DynamicImage) -> Self {
        FileInput::new(Content::Image(Arc::new(image)))
    }
}

/// Serializes bytes as a data URI. Fails for a path, a reader or an image, which have to be uploaded first.
impl Serialize for FileInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.content {
            Content::Text(text) => serializer.serialize_str(text),
            Content::Bytes(bytes) => {
                let content_type = content_type::detect(self.content_type.as_deref(), self.name.as_deref(), bytes);
                serializer.serialize_str(&data_uri::encode(bytes, content_type))
            }
            _ => Err(S::Error::custom(format_args!("cannot serialize {self:?}: upload it first"))),
        }
    }
}

/// Deserializes a string as a URL, never as a path.
impl<'de> Deserialize<'de> for FileInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(FileInput::url)
    }
}
