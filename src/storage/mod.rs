//! Uploads to fal's storage.

mod cdn;
mod initiate;
mod measure;
mod multipart;
mod policy;
mod source;
mod timestamp;
mod token;
mod uploader;

pub(crate) use measure::measure;
pub use policy::{Repository, UploadPolicy};
pub(crate) use source::Source;
pub(crate) use token::Tokens;
pub(crate) use uploader::Uploader;
