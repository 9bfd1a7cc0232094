//! The tables of a journal.

use sqlx::{Connection, Executor, Row};

use super::failure::failed;
use super::{Pool, Store, with_pool};
use crate::error::{Error, ErrorKind};

/// Statements that differ between the databases.
struct Dialect {
    /// The scripts that lead from each version of the tables to the next. Version 0 has no tables.
    scripts: &'static [&'static str],
    begin: &'static str,
    /// Lets concurrent processes wait until the first has created the tables.
    lock: Option<&'static str>,
    inspect: &'static str,
    /// Settings that the database keeps.
    settle: Option<&'static str>,
}

#[cfg(feature = "sqlite")]
const SQLITE: Dialect = Dialect {
    scripts: &[include_str!("../../migrations/sqlite/0001_journal.sql")],
    begin: "BEGIN IMMEDIATE",
    lock: None,
    // A file belongs to one program.
    inspect: "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'fal_jobs') AS is_journal, \
              EXISTS (SELECT 1 FROM sqlite_schema) AS is_used, 'UTF8' AS encoding",
    // This changes the file, so it must be a journal already.
    settle: Some("PRAGMA journal_mode = WAL"),
};

#[cfg(feature = "postgres")]
const POSTGRES: Dialect = Dialect {
    scripts: &[include_str!("../../migrations/postgres/0001_journal.sql")],
    begin: "BEGIN",
    // Any number will do.
    lock: Some("SELECT pg_advisory_xact_lock(7021438950144)"),
    inspect: "SELECT to_regclass('fal_jobs') IS NOT NULL AS is_journal, EXISTS (SELECT 1 FROM pg_tables \
              WHERE schemaname = current_schema() AND tablename IN ('jobs', 'uploads', 'budgets')) AS is_used, \
              current_setting('server_encoding') AS encoding",
    settle: None,
};

/// Finds out whether the tables can be written, without changing them.
const CHECKS: [&str; 3] = [
    "INSERT INTO jobs (key) SELECT key FROM jobs WHERE 1 = 0",
    "UPDATE jobs SET key = key WHERE 1 = 0",
    "DELETE FROM jobs WHERE 1 = 0",
];

/// The tables before they were created or updated.
enum Found {
    Version(i64),
    /// Tables of another program.
    Foreign,
    /// An encoding that cannot store every text.
    Encoding(String),
}

impl Store {
    /// Creates or updates the tables, and checks that they can be written.
    ///
    /// A database of another program and one of a newer version are left alone.
    pub(super) async fn prepare(&self) -> Result<(), Error> {
        let dialect = match &self.pool {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(_) => SQLITE,
            #[cfg(feature = "postgres")]
            Pool::Postgres(_) => POSTGRES,
        };
        let newest = i64::try_from(dialect.scripts.len()).unwrap_or(i64::MAX);
        let found = with_pool!(self, pool => {
            let mut connection = pool.acquire().await?;
            let mut transaction = connection.begin_with(dialect.begin).await?;
            if let Some(lock) = dialect.lock {
                (&mut *transaction).execute(lock).await?;
            }
            let row = (&mut *transaction).fetch_one(dialect.inspect).await?;
            let encoding: String = row.try_get("encoding")?;
            let found = if encoding != "UTF8" {
                Found::Encoding(encoding)
            } else if row.try_get("is_journal")? {
                let row = (&mut *transaction).fetch_one("SELECT version FROM fal_jobs").await?;
                Found::Version(row.try_get("version")?)
            } else if row.try_get("is_used")? {
                Found::Foreign
            } else {
                (&mut *transaction).execute("CREATE TABLE fal_jobs (version BIGINT NOT NULL); INSERT INTO fal_jobs VALUES (0)").await?;
                Found::Version(0)
            };
            if let Found::Version(version) = found && version <= newest {
                for script in &dialect.scripts[usize::try_from(version).unwrap_or(0)..] {
                    (&mut *transaction).execute(*script).await?;
                }
                if version < newest {
                    sqlx::query("UPDATE fal_jobs SET version = $1").bind(newest).execute(&mut *transaction).await?;
                }
                for check in CHECKS {
                    (&mut *transaction).execute(check).await?;
                }
                transaction.commit().await?;
            }
            Ok(found)
        });
        match found.map_err(unprepared)? {
            Found::Version(version) if version > newest => {
                let message = format!(
                    "a newer version of fal-jobs has written the database: its tables have version {version}, and this version \
                     knows {newest}: update fal-jobs"
                );
                Err(Error::new(ErrorKind::NewerVersion, message))
            }
            Found::Version(_) => {
                let Some(settle) = dialect.settle else { return Ok(()) };
                let settled = with_pool!(self, pool => pool.execute(settle).await.map(drop));
                settled.map_err(unprepared)
            }
            Found::Foreign => {
                let message = "the database has tables of another program: give the journal a file or a schema that it shares \
                               with no other program";
                Err(Error::new(ErrorKind::Database, message))
            }
            Found::Encoding(encoding) => {
                let message =
                    format!("the encoding of the database is `{encoding}`: create one with the encoding UTF8");
                Err(Error::new(ErrorKind::Database, message))
            }
        }
    }
}

fn unprepared(error: sqlx::Error) -> Error {
    failed(error, "cannot prepare the tables of the journal")
}
