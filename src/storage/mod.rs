//! Uploads to fal's storage.

mod cache;
mod cdn;
mod digest;
mod initiate;
mod multipart;
mod policy;
mod source;
mod timestamp;
mod token;
mod uploader;

pub(crate) use cache::UploadCache;
pub use policy::{Repository, UploadPolicy};
pub(crate) use source::Source;
pub(crate) use token::Tokens;
pub(crate) use uploader::Uploader;
