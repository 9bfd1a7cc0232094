//! Files that go into an input, and media that come out of an output.

mod data_uri;
mod download;
mod file_input;
mod lifecycle;
mod media;

pub use download::{Download, MediaUrl};
pub use file_input::FileInput;
pub use lifecycle::{Access, Lifecycle};
pub use media::{Audio, File, Image, ImageSize, Video};
