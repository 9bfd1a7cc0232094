//! Uploads to fal's storage.

mod cache;
mod cdn;
mod digest;
mod hashed;
mod initiate;
mod measure;
mod multipart;
mod policy;
mod source;
mod token;
mod uploader;

pub(crate) use cache::UploadCache;
pub(crate) use hashed::Hashed;
pub(crate) use measure::measure;
pub use policy::{Repository, UploadPolicy};
pub(crate) use source::Source;
pub(crate) use token::Tokens;
pub(crate) use uploader::Uploader;
