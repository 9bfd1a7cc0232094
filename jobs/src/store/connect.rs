use std::borrow::Cow;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::{Pool, Store, with_pool};
use crate::error::{Error, ErrorKind};

/// The time for which a statement waits for another process that writes to the same SQLite file.
#[cfg(feature = "sqlite")]
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the database of a URL, and creates or updates its tables.
    pub(crate) async fn open(url: &str, lease: Duration, connections: u32) -> Result<Store, Error> {
        let scheme = url.split(':').next().unwrap_or_default();
        let pool = match scheme {
            #[cfg(feature = "sqlite")]
            "sqlite" => Pool::Sqlite(sqlite(url).await?),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => Pool::Postgres(postgres(url, connections).await?),
            _ => return Err(Error::new(ErrorKind::Configuration, unsupported(scheme))),
        };
        let store = Store { pool, lease };
        store.migrate().await?;
        Ok(store)
    }

    async fn migrate(&self) -> Result<(), Error> {
        let sql = match &self.pool {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => include_str!("../../migrations/sqlite/0001_journal.sql"),
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => include_str!("../../migrations/postgres/0001_journal.sql"),
        };
        let migration = Migration::new(1, "journal".into(), MigrationType::Simple, sql.into(), false);
        let migrator = Migrator { migrations: Cow::Owned(vec![migration]), ..Migrator::DEFAULT };
        let migrated = with_pool!(self, pool => migrator.run(pool).await);
        migrated.map_err(|error| match error {
            MigrateError::VersionMissing(_) => {
                let message = "a newer version of fal-jobs has written the database: update fal-jobs";
                Error::new(ErrorKind::NewerVersion, message)
            }
            error => Error::new(ErrorKind::Database, "cannot create the journal's tables").caused_by(error),
        })
    }
}

fn unsupported(scheme: &str) -> String {
    let scheme = scheme.escape_debug();
    format!(
        "unsupported database `{scheme}`: expected `sqlite://FILE` or `postgres://HOST/DATABASE`, with its cargo feature"
    )
}

#[cfg(feature = "sqlite")]
async fn sqlite(url: &str) -> Result<sqlx::SqlitePool, Error> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

    let options: SqliteConnectOptions = url.parse().map_err(|error: sqlx::Error| {
        Error::new(ErrorKind::Configuration, "invalid database URL: expected `sqlite://FILE`").caused_by(error)
    })?;
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A committed intent must survive a power failure.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT);
    // SQLite has one writer. A second connection would only wait for the first.
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    pool.map_err(|error| Error::new(ErrorKind::Database, "cannot open the database").caused_by(error))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, connections: u32) -> Result<sqlx::PgPool, Error> {
    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

    // The error of a URL may show it, with its password.
    let options: PgConnectOptions = url.parse().map_err(|_: sqlx::Error| {
        Error::new(ErrorKind::Configuration, "invalid database URL: expected `postgres://USER@HOST/DATABASE`")
    })?;
    let pool = PgPoolOptions::new().max_connections(connections).connect_with(options).await;
    pool.map_err(|error| Error::new(ErrorKind::Database, "cannot connect to the database").caused_by(error))
}
