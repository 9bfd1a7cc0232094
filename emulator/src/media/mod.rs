//! The files that outputs refer to: PNG images, a second of silence, and a placeholder text.

pub(crate) mod canvas;
pub(crate) mod media_file;
mod picture;
pub(crate) mod raster;
