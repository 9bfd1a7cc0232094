//! The files that outputs refer to: PNG images, and small files of other types.

pub(crate) mod canvas;
pub(crate) mod decode;
pub(crate) mod fixed_file;
pub(crate) mod media_file;
mod picture;
pub(crate) mod raster;
