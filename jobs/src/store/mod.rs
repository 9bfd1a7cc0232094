//! The database: SQLite or PostgreSQL.

mod connect;
mod failure;
mod jobs;
mod leases;
mod retry;
mod row;
mod tables;

use std::fmt;
use std::time::Duration;

use retry::with_pool;

/// A database with a journal. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Store {
    pool: Pool,
    pub(crate) settings: Settings,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The time after which another process may take over a claimed job that its process did not extend.
    pub(crate) lease: Duration,
    /// The maximum number of connections to PostgreSQL.
    pub(crate) connections: u32,
    /// The time for which an operation is retried after a failure that may pass.
    pub(crate) retry_for: Duration,
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
        let now = self.now();
        format!("*, (lease_until IS NOT NULL AND lease_until < {now}) AS is_abandoned, {now} AS read_at")
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
        f.debug_struct("Store").field("settings", &self.settings).finish_non_exhaustive()
    }
}
