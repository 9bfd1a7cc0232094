//! What is invalid about a request apart from its document, in fal's format. `fal_documents` validates with the document.

pub(crate) mod body;
pub(crate) mod data_uri;
pub(crate) mod files;
pub(crate) mod multipart;
pub(crate) mod post_policy;
pub(crate) mod upload_policy;
