//! The database: SQLite or PostgreSQL.

mod connect;
mod jobs;
mod leases;
mod row;
mod uploads;

use std::time::Duration;

/// A database with a journal. Clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pool: Pool,
    /// The time after which another process may take over a claimed job that its process did not extend.
    pub(crate) lease: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Pool {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
}

#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
compile_error!("fal-jobs needs the feature `sqlite` or `postgres`");

/// Runs an expression with the pool of the database. The expression is compiled for each database, so it can use sqlx's types.
macro_rules! with_pool {
    ($store:expr, $pool:ident => $body:expr) => {
        match &$store.pool {
            #[cfg(feature = "sqlite")]
            $crate::store::Pool::Sqlite($pool) => $body,
            #[cfg(feature = "postgres")]
            $crate::store::Pool::Postgres($pool) => $body,
        }
    };
}
use with_pool;

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
        format!("*, (lease_until IS NOT NULL AND lease_until < {}) AS is_abandoned", self.now())
    }
}
