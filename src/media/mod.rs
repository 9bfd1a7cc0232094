//! Media types of outputs, and the size of images.

mod image_size;
mod media_url;
mod output;

pub use image_size::ImageSize;
pub use media_url::MediaUrl;
pub use output::{Audio, File, Image, Video};
