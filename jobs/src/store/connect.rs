#[cfg(feature = "sqlite")]
use std::fs::File;
#[cfg(feature = "sqlite")]
use std::io::Read;
#[cfg(feature = "sqlite")]
use std::path::Path;
use std::time::Duration;

use super::failure::failed;
use super::retry::Attempts;
use super::{Pool, Settings, Store};
use crate::error::{Error, ErrorKind};
use crate::redaction::Redaction;

impl Store {
    /// Opens the database of a URL, and creates or updates its tables.
    pub(crate) async fn open(url: &str, settings: Settings) -> Result<Store, Error> {
        let pool = match url.split_once(':').map(|(scheme, _)| scheme) {
            #[cfg(feature = "sqlite")]
            Some("sqlite") => Pool::Sqlite(sqlite(url, &settings).await?),
            #[cfg(feature = "postgres")]
            Some("postgres" | "postgresql") => Pool::Postgres(postgres(url, &settings).await?),
            scheme => return Err(Error::new(ErrorKind::Configuration, unsupported(scheme))),
        };
        let store = Store {
            pool,
            lease: settings.lease,
            retry_for: settings.retry_for,
            redaction: (!settings.redacted.is_empty()).then_some(Redaction::Fields(settings.redacted)),
        };
        if let Err(error) = store.prepare().await {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }
}

/// The rest of the URL is not shown: it may be a password.
fn unsupported(scheme: Option<&str>) -> String {
    let expected = "expected `sqlite://FILE` or `postgres://USER@HOST/DATABASE`";
    match scheme {
        Some("sqlite" | "postgres" | "postgresql") => {
            "the database of the URL needs the cargo feature of its name".to_owned()
        }
        Some(scheme @ ("mysql" | "mariadb" | "file" | "http" | "https")) => {
            format!("unsupported database `{scheme}`: {expected}")
        }
        _ => format!("invalid database URL: {expected}"),
    }
}

#[cfg(feature = "sqlite")]
async fn sqlite(url: &str, settings: &Settings) -> Result<sqlx::SqlitePool, Error> {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};

    let options: SqliteConnectOptions = url.parse().map_err(|error: sqlx::Error| {
        Error::new(ErrorKind::Configuration, "invalid database URL: expected `sqlite://FILE`").caused_by(error)
    })?;
    let options = options
        .create_if_missing(true)
        // A committed intent must survive a power failure.
        .synchronous(SqliteSynchronous::Full)
        // Redacted and pruned text must not stay in the file.
        .pragma("secure_delete", "ON")
        .busy_timeout(settings.retry_for / 3);
    // SQLite has one writer. A second connection would only wait for the first.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(Duration::from_secs(3600))
        .test_before_acquire(false);
    let name = options.get_filename().display().to_string();
    let name = name.escape_debug();
    if is_torn(options.get_filename()) {
        let message = format!("cannot open the database `{name}`: the file is truncated: restore it from a backup");
        return Err(Error::new(ErrorKind::Database, message));
    }
    let mut attempts = Attempts::new(settings.retry_for);
    loop {
        let error = match pool.clone().connect_with(options.clone()).await {
            Ok(pool) => {
                let is_valid = url.split('?').next() == Some("sqlite::memory:") || has_file(&pool).await?;
                if is_valid {
                    return Ok(pool);
                }
                pool.close().await;
                let message =
                    "the database URL names no file: expected `sqlite://FILE`, or `sqlite::memory:` for tests";
                return Err(Error::new(ErrorKind::Configuration, message));
            }
            Err(error) => error,
        };
        if !attempts.retry(&error).await {
            return Err(failed(error, &format!("cannot open the database `{name}`")));
        }
    }
}

/// Returns false for a database that ends with its connection. Many URLs mean one, such as `sqlite://`.
#[cfg(feature = "sqlite")]
async fn has_file(pool: &sqlx::SqlitePool) -> Result<bool, Error> {
    let sql = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    let file: Result<Option<String>, sqlx::Error> = sqlx::query_scalar(sql).fetch_one(pool).await;
    let file = file.map_err(|error| failed(error, "cannot open the database"))?;
    Ok(file.is_some_and(|file| !file.is_empty()))
}

/// Returns true if a SQLite file ends within a page, which SQLite would fill with zeros. It finds missing pages itself.
#[cfg(feature = "sqlite")]
fn is_torn(file: &Path) -> bool {
    let mut header = [0; 18];
    let read = File::open(file).and_then(|mut file| {
        file.read_exact(&mut header)?;
        Ok(file.metadata()?.len())
    });
    let Ok(length) = read else { return false };
    let page = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        size => size,
    };
    // A log of an interrupted write has the whole page.
    let has_log = ["-wal", "-journal"].iter().any(|suffix| {
        let mut log = file.as_os_str().to_owned();
        log.push(suffix);
        std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
    });
    header.starts_with(b"SQLite format 3\0") && page >= 512 && length % page != 0 && !has_log
}

/// Returns a space and the server and database of a URL. Empty if a part of the password may have been taken for them, because its
/// special characters are not percent-encoded.
#[cfg(feature = "postgres")]
fn server(url: &str, options: &sqlx::postgres::PgConnectOptions) -> String {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    if rest.split(['/', '?', '#']).skip(1).any(|part| part.contains('@')) {
        return String::new();
    }
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => options.get_host().to_owned(),
    };
    let database = options.get_database().unwrap_or(options.get_username());
    format!(" `{}`", format_args!("{host}:{}/{database}", options.get_port()).to_string().escape_debug())
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, settings: &Settings) -> Result<sqlx::PgPool, Error> {
    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
    use sqlx::{Connection, Executor, PgConnection};

    // The error of a URL may show it, with its password.
    let options: PgConnectOptions = url.parse().map_err(|_: sqlx::Error| {
        Error::new(ErrorKind::Configuration, "invalid database URL: expected `postgres://USER@HOST/DATABASE`")
    })?;
    // The pool would hide the reason.
    let mut attempts = Attempts::new(settings.retry_for);
    loop {
        let connected = attempts.limit(PgConnection::connect_with(&options)).await;
        let error = match connected {
            Ok(connection) => {
                drop(connection.close().await);
                break;
            }
            Err(error) => error,
        };
        if !attempts.retry(&error).await {
            let hint = if matches!(error, sqlx::Error::Io(_)) { " (is the server running?)" } else { "" };
            return Err(failed(error, &format!("cannot connect to the database{}{hint}", server(url, &options))));
        }
    }
    let pool = PgPoolOptions::new()
        .max_connections(settings.connections.max(1))
        .acquire_timeout(settings.retry_for.max(Duration::from_secs(5)))
        // A statement on a lost connection is retried.
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // A committed intent must survive a crash of the server.
                let sql = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
                connection.execute(sql).await.map(drop)
            })
        });
    Ok(pool.connect_lazy_with(options))
}
