//! The files that outputs refer to: images, videos, sounds and 3D models that follow from the request, and small files of other
//! types.

pub(crate) mod canvas;
pub(crate) mod caption;
pub(crate) mod captions;
pub(crate) mod decode;
mod dice;
pub(crate) mod fixed_file;
mod font;
mod h264;
pub(crate) mod image_format;
pub(crate) mod media_file;
pub(crate) mod model;
mod mp4;
mod music;
mod picture;
pub(crate) mod raster;
mod solid;
pub(crate) mod speech;
mod tone;
pub(crate) mod video;
pub(crate) mod wav;
