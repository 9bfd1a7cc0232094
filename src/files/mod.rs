//! Files that go into an input, and media that come out of an output.

mod acl;
pub(crate) mod content_type;
pub(crate) mod data_uri;
mod download;
mod file_input;
mod lifecycle;
mod media;
mod media_url;
mod reader;

pub use acl::{Access, AccessRule, Acl};
pub use download::{Download, DownloadAll, DownloadBytes, DownloadTo};
pub(crate) use file_input::Content;
pub use file_input::FileInput;
pub use lifecycle::Lifecycle;
pub use media::{Audio, File, Image, ImageSize, ImageSizeShape, Video};
pub use media_url::MediaUrl;
pub(crate) use reader::{BoxReader, OnceReader};
