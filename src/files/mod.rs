//! Files that go into an input, and media that come out of an output.

mod file_input;
mod media;

pub use file_input::FileInput;
pub use media::{Audio, File, Image, ImageSize, Video};
