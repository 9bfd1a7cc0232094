use std::fmt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::de::Deserializer;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};

use super::data_uri;
use crate::__private::{Mode, Wire};

const OCTET_STREAM: &str = "application/octet-stream";

/// A file for an input: the URL of one, its bytes, or a path.
///
/// ```
/// use fal_client::FileInput;
///
/// let hosted = FileInput::from("https://example.com/room.png");
/// let drawn = FileInput::bytes(vec![0x89, b'P', b'N', b'G'], "image/png");
/// let local = FileInput::path("room.png");
/// # let _ = (hosted, drawn, local);
/// ```
///
/// Bytes and paths travel as data URIs; fal advises against those for more than a few kilobytes. A path is given on
/// purpose, by [`FileInput::path`]: text is never opened as a file, for a server may have read it from a request.
#[derive(Clone, PartialEq)]
pub struct FileInput(Source);

#[derive(Clone, PartialEq)]
enum Source {
    /// A URL or a data URI.
    Text(String),
    Bytes {
        bytes: Bytes,
        content_type: String,
    },
    Path(PathBuf),
}

impl FileInput {
    /// A file that is on the web, or a data URI.
    pub fn url(url: impl Into<String>) -> Self {
        FileInput(Source::Text(url.into()))
    }

    /// A file in memory, with its media type (`image/png`).
    pub fn bytes(bytes: impl Into<Bytes>, content_type: impl Into<String>) -> Self {
        FileInput(Source::Bytes { bytes: bytes.into(), content_type: content_type.into() })
    }

    /// A file on this machine. It is read when the call is made; its media type is guessed from its name.
    pub fn path(path: impl AsRef<Path>) -> Self {
        FileInput(Source::Path(path.as_ref().to_owned()))
    }

    /// The URL or data URI, if the file is one.
    pub fn as_url(&self) -> Option<&str> {
        match &self.0 {
            Source::Text(text) => Some(text),
            Source::Bytes { .. } | Source::Path(_) => None,
        }
    }

    /// The same file as a URL: bytes and the content of a path become a data URI.
    pub(crate) async fn into_url(self) -> std::io::Result<FileInput> {
        let data_uri = match self.0 {
            Source::Text(_) => return Ok(self),
            Source::Bytes { bytes, content_type } => data_uri::encode(&bytes, &content_type),
            Source::Path(path) => {
                let bytes = tokio::fs::read(&path).await.map_err(|error| {
                    std::io::Error::new(error.kind(), format!("{} cannot be read: {error}", path.display()))
                })?;
                let content_type = mime_guess::from_path(&path).first_raw().unwrap_or(OCTET_STREAM);
                data_uri::encode(&bytes, content_type)
            }
        };
        Ok(FileInput::url(data_uri))
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
        match &self.0 {
            Source::Text(text) => match text.char_indices().nth(200) {
                Some((end, _)) => write!(f, "FileInput({:?}…, {} bytes)", &text[..end], text.len()),
                None => write!(f, "FileInput({text:?})"),
            },
            Source::Bytes { bytes, content_type } => write!(f, "FileInput({} bytes of {content_type})", bytes.len()),
            Source::Path(path) => write!(f, "FileInput(path {})", path.display()),
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

/// A path has no JSON form: it is an error to write one that has not been read.
impl Serialize for FileInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Source::Text(text) => serializer.serialize_str(text),
            Source::Bytes { bytes, content_type } => serializer.serialize_str(&data_uri::encode(bytes, content_type)),
            Source::Path(path) => Err(S::Error::custom(format_args!("the file {} has not been read", path.display()))),
        }
    }
}

/// Text is a URL, never a path to open.
impl<'de> Deserialize<'de> for FileInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(FileInput::url)
    }
}

impl Wire for FileInput {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        FileInput::deserialize(deserializer)
    }
}
