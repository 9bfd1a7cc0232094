use std::fmt;

use serde_json::Value;
use url::Url;

use super::output::{Audio, File, Image, Video};
use crate::files::data_uri;

/// The URL of a file to download. Created from media of an output, or from a URL.
///
/// ```
/// use fal_client::{Image, MediaUrl};
///
/// let url = MediaUrl::from("https://v3.fal.media/files/b/a/fox.png");
/// let image = MediaUrl::from(&Image::new("https://v3.fal.media/files/b/a/fox.png"));
/// # let _ = (url, image);
/// ```
///
/// Methods accept it as `impl Into<MediaUrl>`: `&Image`, `&Video`, `&Audio`, `&File`, `MediaFile`, a string or a `Url`. For untyped
/// outputs, `&Value` works, too: a string, or an object with a `url`.
#[derive(Clone)]
pub struct MediaUrl {
    url: String,
    /// The file's name, if the output has it.
    pub(crate) name: Option<String>,
    /// The file's media type, if the output has it.
    pub(crate) content_type: Option<String>,
    /// The file's size in bytes, if the output has it.
    pub(crate) size: Option<u64>,
    /// The media types that the kind of media in the output has, such as `image/*`.
    pub(crate) class: Option<&'static str>,
}

macro_rules! media_url {
    ($($media:ty: $class:expr),*) => {$(
        impl From<&$media> for MediaUrl {
            fn from(media: &$media) -> Self {
                MediaUrl {
                    url: media.url.clone(),
                    name: media.file_name.clone(),
                    content_type: media.content_type.clone(),
                    size: media.file_size.and_then(|size| u64::try_from(size).ok()),
                    class: $class,
                }
            }
        }
    )*};
}

media_url!(Audio: Some("audio/*"), File: None, Image: Some("image/*"), Video: Some("video/*"));

/// Takes the URL from a part of an untyped output. Without a URL, the download fails.
impl From<&Value> for MediaUrl {
    fn from(media: &Value) -> Self {
        let string = |value: &Value| value.as_str().map(str::to_owned);
        let url = string(media).or_else(|| media.get("url").and_then(string)).unwrap_or_default();
        let field = |name: &str| media.get(name).and_then(string);
        let size = media.get("file_size").and_then(Value::as_u64);
        MediaUrl { url, name: field("file_name"), content_type: field("content_type"), size, class: None }
    }
}

impl From<&str> for MediaUrl {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}

impl From<&String> for MediaUrl {
    fn from(url: &String) -> Self {
        url.clone().into()
    }
}

impl From<String> for MediaUrl {
    fn from(url: String) -> Self {
        MediaUrl { url, name: None, content_type: None, size: None, class: None }
    }
}

impl From<Url> for MediaUrl {
    fn from(url: Url) -> Self {
        String::from(url).into()
    }
}

/// Shows a URL, never the bytes of a data URI.
impl fmt::Debug for MediaUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaUrl({})", data_uri::shorten(&self.url))
    }
}

impl MediaUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.url
    }
}
