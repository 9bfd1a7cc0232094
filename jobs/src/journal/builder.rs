use std::sync::Arc;
use std::time::Duration;

use fal_client::money::PriceTable;

use super::{Inner, Journal};
use crate::claims::Claims;
use crate::error::Error;
use crate::files::Uploads;
use crate::store::{Settings, Store};
use crate::watch::Watch;

/// Settings of a [`Journal`].
///
/// ```no_run
/// # async fn example() -> Result<(), fal_jobs::Error> {
/// use std::time::Duration;
///
/// use fal_jobs::Journal;
///
/// let journal = Journal::builder().connections(20).retry_for(Duration::from_secs(60)).open("postgres://localhost/jobs").await?;
/// # let _ = journal;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JournalBuilder {
    store: Settings,
    prices: PriceTable,
    webhook_patience: Duration,
}

impl Default for JournalBuilder {
    fn default() -> Self {
        let retry_for = Duration::from_secs(30);
        let store = Settings { lease: Duration::from_secs(30), connections: 10, retry_for, redacted: Vec::new() };
        JournalBuilder { store, prices: PriceTable::new(), webhook_patience: Duration::from_secs(600) }
    }
}

impl JournalBuilder {
    /// Sets the time after which another process may take over the jobs of a process that has died. Default: 30 seconds.
    ///
    /// A process extends its leases at a third of this time.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.store.lease = lease;
        self
    }

    /// Sets the maximum number of connections to PostgreSQL. Default: 10. A SQLite database has one.
    pub fn connections(mut self, connections: u32) -> Self {
        self.store.connections = connections;
        self
    }

    /// Sets the time for which an operation of the database is retried. Default: 30 seconds.
    ///
    /// Lost connections, a server that restarts and locks of other processes are waited out, while the journal is opened as well.
    /// Zero turns retries off. Other failures, such as a full disk, are returned without a retry.
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.store.retry_for = time;
        self
    }

    /// Sets the time for which a job's [webhook](crate::SubmitOptions::webhook) is waited for, from the submission on. Default:
    /// 10 minutes.
    ///
    /// Until then, the calls that wait for the job read the journal, twice a second for all of them together, and do not poll fal.
    /// Afterwards they follow the request in fal's queue, in case the webhook does not come. Choose more than the time that most
    /// requests take, and less than the hour for which fal keeps a result.
    pub fn webhook_patience(mut self, time: Duration) -> Self {
        self.webhook_patience = time;
        self
    }

    /// Removes these fields of the input from a job when it ends, at any depth, and what the output repeats of them: see
    /// [`Redaction::Fields`](crate::Redaction::Fields). Default: none.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), fal_jobs::Error> {
    /// let journal = fal_jobs::Journal::builder().redact(["prompt", "negative_prompt"]).open("sqlite://jobs.db").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Until then the journal needs them, to send the job. The call that ends the job returns the redacted output, too. A failed job can be run again by a call with its input.
    /// [`Journal::redact`] removes more, and outputs.
    pub fn redact(mut self, fields: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.store.redacted = fields.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the prices, by which a job has a [cost](crate::Record::cost). Default: none.
    ///
    /// A job keeps the price that its endpoint has when the job is recorded. Prices in other currencies than US dollars are ignored.
    pub fn prices(mut self, prices: PriceTable) -> Self {
        self.prices = prices;
        self
    }

    /// Opens the journal of a database, and creates or updates its tables.
    ///
    /// | URL | database |
    /// | --- | --- |
    /// | `sqlite://jobs.db` | a file in the current folder, which is created |
    /// | `sqlite:///var/lib/jobs.db` | a file by its absolute path; `?`, `#` and `%` are percent-encoded |
    /// | `sqlite::memory:` | a database that ends with the journal, for tests |
    /// | `postgres://user:password@host/jobs` | a PostgreSQL database, which must exist |
    /// | `postgres://host/app?options=-csearch_path%3Djobs` | a schema of a shared PostgreSQL database, which must exist |
    /// | `postgres://host/jobs?sslmode=verify-full` | a connection by TLS, with the feature `tls` |
    ///
    /// A SQLite file must be on a local disk. It can be used by several processes, and has one writer at a time. Each commit is
    /// synchronized with the disk, which limits their rate: a job takes four or five.
    ///
    /// # Errors
    ///
    /// - The URL is invalid or names no file, or its database is not compiled in ([`ErrorKind::Configuration`](crate::ErrorKind::Configuration)).
    /// - The database cannot be opened or written: its server is down, its folder is missing, it is read-only, full, damaged or
    ///   locked, or has another program's tables ([`ErrorKind::Database`](crate::ErrorKind::Database)).
    /// - A newer version of this crate has written it ([`ErrorKind::NewerVersion`](crate::ErrorKind::NewerVersion)).
    pub async fn open(self, url: impl AsRef<str>) -> Result<Journal, Error> {
        let store = Store::open(url.as_ref(), self.store).await?;
        let (uploads, watch) = (Uploads::new(store.clone()), Watch::default());
        let JournalBuilder { prices, webhook_patience, .. } = self;
        let claims = Claims::new();
        Ok(Journal { inner: Arc::new(Inner { store, claims, prices, uploads, watch, webhook_patience }) })
    }
}
