use std::sync::Arc;
use std::time::Duration;

use fal_client::money::PriceTable;

use super::{Inner, Journal};
use crate::claims::Claims;
use crate::error::Error;
use crate::store::Store;

/// Settings of a [`Journal`].
#[derive(Clone, Debug)]
pub struct JournalBuilder {
    lease: Duration,
    connections: u32,
    prices: PriceTable,
}

impl Default for JournalBuilder {
    fn default() -> Self {
        JournalBuilder { lease: Duration::from_secs(30), connections: 10, prices: PriceTable::new() }
    }
}

impl JournalBuilder {
    /// Sets the time after which another process may take over the jobs of a process that has died. Default: 30 seconds.
    ///
    /// A process extends its leases at a third of this time.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets the maximum number of connections to PostgreSQL. Default: 10. A SQLite database has one.
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections;
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
    /// # Errors
    ///
    /// - The URL is invalid, or its database is not compiled in ([`ErrorKind::Configuration`](crate::ErrorKind::Configuration)).
    /// - The database cannot be opened or written ([`ErrorKind::Database`](crate::ErrorKind::Database)).
    /// - A newer version of this crate has written it ([`ErrorKind::NewerVersion`](crate::ErrorKind::NewerVersion)).
    pub async fn open(self, url: impl AsRef<str>) -> Result<Journal, Error> {
        let store = Store::open(url.as_ref(), self.lease, self.connections).await?;
        Ok(Journal { inner: Arc::new(Inner { store, claims: Claims::new(), prices: self.prices }) })
    }
}
