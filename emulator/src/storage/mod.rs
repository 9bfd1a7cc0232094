//! Stored files: uploads, and the generated files that have content, a lifetime or an ACL of their own.

pub(crate) mod acl;
pub(crate) mod content;
pub(crate) mod file;
pub(crate) mod grants;
pub(crate) mod host;
pub(crate) mod lifecycle;
pub(crate) mod metadata;
pub(crate) mod multipart;
pub(crate) mod saved_file;
mod spool;
pub(crate) mod store;
pub(crate) mod stored_file;
