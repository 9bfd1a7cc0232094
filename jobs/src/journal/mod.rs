//! The journal and its operations.

mod builder;
mod course;
mod download;
mod run;

use std::sync::Arc;

pub use builder::JournalBuilder;
pub use run::{Completed, Run};

use crate::claims::Claims;
use crate::error::Error;
use crate::record::Record;
use crate::store::Store;

/// A journal of jobs in a database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    claims: Claims,
}

impl Journal {
    /// Opens the journal of a database, such as `sqlite://jobs.db` or `postgres://localhost/jobs`, with the default settings.
    ///
    /// # Errors
    ///
    /// Those of [`JournalBuilder::open`].
    pub async fn open(url: impl AsRef<str>) -> Result<Self, Error> {
        JournalBuilder::default().open(url).await
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> JournalBuilder {
        JournalBuilder::default()
    }

    /// Returns the job with a key.
    pub async fn get(&self, key: impl AsRef<str>) -> Result<Option<Record>, Error> {
        self.store().get(key.as_ref()).await
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.inner.claims
    }
}
