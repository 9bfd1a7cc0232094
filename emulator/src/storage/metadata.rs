use crate::storage::lifecycle::Lifecycle;

/// The metadata of a file, given before its content.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) lifecycle: Lifecycle,
}
