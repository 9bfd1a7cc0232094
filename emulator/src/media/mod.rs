//! The files that outputs refer to: images with the request that they were made for, and small files of other types.

pub(crate) mod canvas;
pub(crate) mod caption;
pub(crate) mod captions;
pub(crate) mod decode;
pub(crate) mod fixed_file;
mod font;
pub(crate) mod image_format;
pub(crate) mod media_file;
mod picture;
pub(crate) mod raster;
