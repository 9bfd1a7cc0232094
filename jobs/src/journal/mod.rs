//! The journal and its operations.

mod budget;
mod builder;
mod call;
mod cancel;
mod candidates;
mod course;
mod decide;
mod download;
mod export;
mod follow;
mod list;
mod policy;
mod prune;
mod redact;
mod resume;
mod resume_all;
mod run;
mod submit;

use std::sync::Arc;
use std::time::Duration;

pub use budget::{Budget, BudgetUsage};
pub use builder::JournalBuilder;
pub(crate) use call::{Call, record_options};
pub use candidates::Candidate;
pub(crate) use candidates::UNLISTED;
pub(crate) use course::{Course, recorded_options};
pub use list::Counts;
pub use policy::{OnFailed, OnUncertain, Reuse};
pub use resume::Resume;
pub use resume_all::ResumeAll;
pub use run::{Completed, Run};
pub use submit::Submit;

use fal_client::money::PriceTable;

use crate::claims::Claims;
use crate::error::{Error, ErrorKind};
use crate::files::Uploads;
use crate::record::Record;
use crate::store::Store;
use crate::watch::Watch;

/// A journal of jobs in a database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    claims: Claims,
    prices: PriceTable,
    uploads: Uploads,
    watch: Watch,
    webhook_patience: Duration,
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

    /// Returns the job with a key, or the error of a missing one.
    pub(crate) async fn existing(&self, key: &str) -> Result<Record, Error> {
        let missing = || Error::new(ErrorKind::NotFound, "the journal does not have it").of(key);
        self.store().get(key).await?.ok_or_else(missing)
    }

    /// Closes the connections to the database, after the operations that run. Later operations fail.
    ///
    /// SQLite then moves its write-ahead log into the database file. A program that ends without this loses nothing. To back up a
    /// SQLite journal in use, run `sqlite3 jobs.db ".backup copy.db"`: a copy of the file alone lacks the log.
    pub async fn close(&self) {
        self.store().close().await;
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn prices(&self) -> &PriceTable {
        &self.inner.prices
    }

    pub(crate) fn uploads(&self) -> &Uploads {
        &self.inner.uploads
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.inner.watch
    }

    pub(crate) fn webhook_patience(&self) -> Duration {
        self.inner.webhook_patience
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.inner.claims
    }
}
