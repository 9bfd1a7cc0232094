//! The database: SQLite or PostgreSQL.

mod budgets;
mod connect;
mod failure;
mod jobs;
mod leases;
mod lists;
#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
mod properties;
mod retry;
mod row;
mod tables;
mod uploads;

use std::fmt;
use std::time::Duration;

pub(crate) use leases::{Kind, Wanted};
pub(crate) use lists::Listed;
use retry::with_pool;
use row::COLUMNS;

use crate::redaction::Redaction;

/// A database with a journal. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Store {
    pool: Pool,
    /// The time after which other processes may take over the jobs of a process that did not renew its lease.
    pub(crate) lease: Duration,
    /// The time for which an operation is retried after a failure that may pass.
    retry_for: Duration,
    /// The data to remove from jobs that end.
    redaction: Option<Redaction>,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The time after which another process may take over a claimed job that its process did not extend.
    pub(crate) lease: Duration,
    /// The maximum number of connections to PostgreSQL.
    pub(crate) connections: u32,
    /// The time for which an operation is retried after a failure that may pass.
    pub(crate) retry_for: Duration,
    /// The fields of inputs to remove from jobs that end.
    pub(crate) redacted: Vec<String>,
}

#[derive(Clone)]
enum Pool {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
}

#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
compile_error!("fal-jobs needs the feature `sqlite` or `postgres`");

impl Store {
    /// Returns the SQL expression of the database's clock, in milliseconds since 1970. One clock serves all machines.
    fn now(&self) -> &'static str {
        match &self.pool {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)",
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Returns the columns of a [`Record`](crate::record::Record).
    fn columns(&self) -> String {
        format!("{COLUMNS}, NOT {} AS is_abandoned, {} AS read_at", self.is_alive("jobs.claim"), self.now())
    }

    /// Returns the SQL condition that a process, given by an expression, has a lease.
    fn is_alive(&self, process: &str) -> String {
        format!("EXISTS (SELECT 1 FROM leases WHERE process = {process} AND until >= {})", self.now())
    }

    /// Returns the SQL condition that a value is in a JSON array of strings, given by a parameter.
    fn is_in(&self, parameter: &str) -> String {
        match &self.pool {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => format!("IN (SELECT value FROM json_each({parameter}))"),
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => format!("= ANY (ARRAY(SELECT jsonb_array_elements_text(CAST({parameter} AS JSONB))))"),
        }
    }

    /// Returns the end of a `SELECT` of rows to change: rows that another transaction is changing are left out.
    fn skip_locked(&self) -> &'static str {
        match &self.pool {
            // SQLite has one writer.
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => "",
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Closes the connections, after the operations that run.
    pub(crate) async fn close(&self) {
        match &self.pool {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => pool.close().await,
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

/// Without the options of the connections, which have the password.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("lease", &self.lease).finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
