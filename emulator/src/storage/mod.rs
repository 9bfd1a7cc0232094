//! Files: those that were uploaded, and those that a request made and that are not open to everybody for ever.

mod content;
mod file;
mod grants;
mod lifecycle;
mod multipart;
mod spool;
mod store;

pub(crate) use content::{Blob, Content};
pub(crate) use file::{File, Kept};
pub(crate) use grants::{Denied, Grant};
pub(crate) use lifecycle::{Acl, Decision, Lifecycle};
pub(crate) use multipart::ListedPart;
pub(crate) use store::{Begun, Host, Plan, Storage};

pub use file::StoredFile;
