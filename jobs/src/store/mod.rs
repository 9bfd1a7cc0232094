//! The database: SQLite or PostgreSQL.

mod connect;
mod jobs;
mod leases;
mod row;

use std::time::Duration;

pub(crate) use leases::{Filter, Kind};

/// A database with a journal. Clones share its connections.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pool: Pool,
    /// The time after which other processes may take over the jobs of a process that did not renew its lease.
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
        format!("*, NOT {} AS is_abandoned", self.is_alive("jobs.claim"))
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
}
