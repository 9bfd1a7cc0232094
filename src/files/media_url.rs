use url::Url;

use crate::{Audio, File, Image, Video};

/// Where a file can be downloaded from: media of an output, or a URL.
///
/// Made by `Into`: the methods that ask for one take `&Image`, `&Video`, `&Audio`, `&File`, text and `Url`.
#[derive(Clone, Debug)]
pub struct MediaUrl(String);

macro_rules! media_url {
    ($($media:ty),*) => {$(
        impl From<&$media> for MediaUrl {
            fn from(media: &$media) -> Self {
                MediaUrl(media.url.clone())
            }
        }
    )*};
}

media_url!(Audio, File, Image, Video);

impl From<&str> for MediaUrl {
    fn from(url: &str) -> Self {
        MediaUrl(url.to_owned())
    }
}

impl From<&String> for MediaUrl {
    fn from(url: &String) -> Self {
        MediaUrl(url.clone())
    }
}

impl From<String> for MediaUrl {
    fn from(url: String) -> Self {
        MediaUrl(url)
    }
}

impl From<Url> for MediaUrl {
    fn from(url: Url) -> Self {
        MediaUrl(url.into())
    }
}

impl MediaUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}
