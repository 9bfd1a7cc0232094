//! Files for inputs: their sources, media types, expiration and access rules.

mod acl;
pub(crate) mod content_type;
pub(crate) mod data_uri;
mod file_input;
mod into_file;
mod lifecycle;
pub(crate) mod picture;
mod reader;
mod signatures;

pub use acl::{Access, AccessRule, Acl};
pub(crate) use file_input::Content;
pub use file_input::FileInput;
pub use into_file::IntoFile;
pub use lifecycle::Lifecycle;
pub(crate) use reader::{BoxReader, OnceReader};
