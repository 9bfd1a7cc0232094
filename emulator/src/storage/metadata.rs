use crate::storage::lifecycle::Lifecycle;

/// What is said of a file before it is there.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) lifecycle: Lifecycle,
}
