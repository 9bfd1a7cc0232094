//! Media types of outputs, the search for files in outputs, and the size of images.

mod flags;
mod image_size;
mod media_file;
mod media_url;
mod output;
mod search;
mod words;

pub use image_size::ImageSize;
pub use media_file::{Media, MediaFile, MediaKind};
pub use media_url::MediaUrl;
pub use output::{Audio, File, Image, Video};
pub(crate) use search::files;
