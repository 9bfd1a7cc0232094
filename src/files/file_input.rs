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

/// A file for an input: the URL of one, its bytes, a path, or a reader.
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
/// What is no URL is uploaded when a call is made, and the call goes out with the URL of the upload. A data URI goes out
/// as it is; fal advises against those for more than a few kilobytes.
///
/// A path is given on purpose, by [`FileInput::path`]: text is never opened as a file, for a server may have read it from
/// a request.
#[derive(Clone, PartialEq)]
pub struct FileInput {
    content: Content,
    name: Option<String>,
    content_type: Option<String>,
}

/// Where the bytes of a file are.
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

    /// A file that is on the web, or a data URI.
    pub fn url(url: impl Into<String>) -> Self {
        FileInput::new(Content::Text(url.into()))
    }

    /// A file in memory, with its media type (`image/png`). Where that is not known, `FileInput::from(bytes)` finds it out
    /// from the name that is given, or from the bytes.
    pub fn bytes(bytes: impl Into<Bytes>, content_type: impl Into<String>) -> Self {
        FileInput::new(Content::Bytes(bytes.into())).content_type(content_type)
    }

    /// A regular file on this machine, which is read when it is sent, piece by piece. Its media type follows from its name, or
    /// from its first bytes. For a pipe or a device there is [`FileInput::reader`].
    pub fn path(path: impl AsRef<Path>) -> Self {
        FileInput::new(Content::Path(path.as_ref().to_owned()))
    }

    /// A file that is read from somewhere else, of so many bytes if that is known.
    ///
    /// ```
    /// use fal_client::FileInput;
    ///
    /// let known = FileInput::reader(&b"abc"[..], 3).content_type("text/plain");
    /// let unknown = FileInput::reader(tokio::io::empty(), None).name("room.png");
    /// # let _ = (known, unknown);
    /// ```
    ///
    /// A reader can be read once: a second call with it, or with a clone of it, is an error. Within one call it can be
    /// in as many fields as you like. If it gives more or fewer bytes than it was said to, that is an error too.
    pub fn reader(reader: impl AsyncRead + Send + 'static, length: impl Into<Option<u64>>) -> Self {
        FileInput::new(Content::Reader(OnceReader::new(reader, length.into())))
    }

    /// The file's name, which shows in the URL of its upload. A path has one already.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into()).filter(|name| !name.is_empty());
        self
    }

    /// The media type (`image/png`), where it does not follow from the name or from the bytes.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into()).filter(|content_type| !content_type.is_empty());
        self
    }

    /// The URL or data URI, if the file is one.
    pub fn as_url(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What is to be sent, its name, and its media type as far as that was told.
    pub(crate) fn into_parts(self) -> (Content, Option<String>, Option<String>) {
        let name = self.name.or_else(|| match &self.content {
            Content::Path(path) => Some(path.file_name()?.to_string_lossy().into_owned()),
            _ => None,
        });
        (self.content, name, self.content_type)
    }

    /// The text, if it is neither a URL nor a data URI.
    pub(crate) fn text_without_scheme(&self) -> Option<&str> {
        let text = self.as_url()?;
        let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        let known = scheme.is_some_and(|scheme| matches!(&*scheme, "http" | "https" | "data"));
        (!known).then_some(text)
    }
}

/// Shows where the file comes from, never its bytes.
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
            Some(name) => write!(f, ", called {name:?})"),
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

impl From<url::Url> for FileInput {
    fn from(url: url::Url) -> Self {
        FileInput::url(url)
    }
}

/// Bytes whose media type follows from the name that they are given, or from themselves.
impl From<Bytes> for FileInput {
    fn from(bytes: Bytes) -> Self {
        FileInput::new(Content::Bytes(bytes))
    }
}

/// Bytes whose media type follows from the name that they are given, or from themselves.
impl From<Vec<u8>> for FileInput {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

/// An image, which is encoded as PNG when it is sent.
#[cfg(feature = "image")]
impl From<image::DynamicImage> for FileInput {
    fn from(image: image::DynamicImage) -> Self {
        FileInput::new(Content::Image(Arc::new(image)))
    }
}

/// What has to be read first has no JSON form: it is an error to write a path, a reader or an image that has not been
/// uploaded. Bytes are written as a data URI.
impl Serialize for FileInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.content {
            Content::Text(text) => serializer.serialize_str(text),
            Content::Bytes(bytes) => {
                let content_type = content_type::detect(self.content_type.as_deref(), self.name.as_deref(), bytes);
                serializer.serialize_str(&data_uri::encode(bytes, content_type))
            }
            _ => Err(S::Error::custom(format_args!("{self:?} is written as JSON before it is uploaded"))),
        }
    }
}

/// Text is a URL, never a path to open.
impl<'de> Deserialize<'de> for FileInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(FileInput::url)
    }
}
