//! The state file: an SQLite database with a table of records and one of contents.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteSynchronous};
use sqlx::{Connection, Executor, Row, SqliteConnection};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::saved::change::{Change, Kind};
use crate::saved::sink::{Sink, Written};

/// Marks a database as a state file: "fale".
const APPLICATION_ID: i64 = 0x6661_6c65;
/// The version of the tables, and of the records in them.
const VERSION: i64 = 1;
/// The time for which another emulator, which may be about to end, can hold the file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// The most changes of a transaction.
const MAX_BATCH: usize = 1_000;
/// The most free pages that a transaction gives back to the system.
const VACUUM_PAGES: usize = 1_000;

/// An open state file.
pub(crate) struct Database {
    path: PathBuf,
    connection: SqliteConnection,
    sink: Sink,
    changes: mpsc::UnboundedReceiver<Change>,
    progress: watch::Sender<Written>,
}

impl Database {
    /// Opens a state file, or creates it. The error says what is wrong with the file, and what to do.
    pub(crate) async fn open(path: &Path) -> Result<Self, String> {
        let is_new = std::fs::metadata(path).map_or(true, |metadata| metadata.len() == 0);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Wal)
            // A power failure can lose the last changes, the end of the process cannot.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(LOCK_TIMEOUT);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(|error| explain(&error))?;
        prepare(&mut connection, is_new).await?;
        let (sender, changes) = mpsc::unbounded_channel();
        let (progress, written) = watch::channel(Written::default());
        Ok(Database { path: path.to_owned(), connection, sink: Sink::new(sender, written), changes, progress })
    }

    /// Returns the way of changes to the file. They are written once the writer has [started](Self::start).
    pub(crate) fn sink(&self) -> Sink {
        self.sink.clone()
    }

    /// Returns the records of a kind, by key. They were added in this order.
    pub(crate) async fn records(&mut self, kind: Kind) -> Result<Vec<(String, String)>, String> {
        let query = sqlx::query("SELECT key, value FROM records WHERE kind = ? ORDER BY rowid").bind(kind.name());
        let rows = query.fetch_all(&mut self.connection).await.map_err(|error| explain(&error))?;
        let record = |row: &sqlx::sqlite::SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.iter().map(record).collect::<Result<_, sqlx::Error>>().map_err(|error| explain(&error))
    }

    /// Returns the record of a key.
    pub(crate) async fn record(&mut self, kind: Kind, key: &str) -> Result<Option<String>, String> {
        let query = sqlx::query_scalar("SELECT value FROM records WHERE kind = ? AND key = ?");
        let record = query.bind(kind.name()).bind(key).fetch_optional(&mut self.connection).await;
        record.map_err(|error| explain(&error))
    }

    /// Returns a chunk of a content, or `None` after the last one.
    pub(crate) async fn chunk(&mut self, path: &str, number: i64) -> Result<Option<Vec<u8>>, String> {
        let query = sqlx::query_scalar("SELECT bytes FROM contents WHERE path = ? AND number = ?");
        let chunk = query.bind(path).bind(number).fetch_optional(&mut self.connection).await;
        chunk.map_err(|error| explain(&error))
    }

    /// Starts the task that writes changes. It ends once all sinks are gone, or at the first error.
    pub(crate) fn start(self) -> Writer {
        let Database { path, connection, sink: _, changes, progress } = self;
        let end = Arc::<Notify>::default();
        let task = tokio::spawn(write(path, connection, changes, progress, Arc::clone(&end)));
        Writer { task, end }
    }
}

async fn write(
    path: PathBuf,
    mut connection: SqliteConnection,
    mut changes: mpsc::UnboundedReceiver<Change>,
    progress: watch::Sender<Written>,
    end: Arc<Notify>,
) {
    let mut batch = Vec::new();
    loop {
        let count = tokio::select! {
            biased;
            count = changes.recv_many(&mut batch, MAX_BATCH) => count,
            () = end.notified() => 0,
        };
        if count == 0 {
            let _ = connection.close().await;
            return;
        }
        match apply_all(&mut connection, &mut batch).await {
            Ok(()) => progress.send_modify(|written| written.count += count as u64),
            Err(reason) => {
                let error = format!("the state file {} cannot be written: {reason}", path.display());
                progress.send_modify(|written| written.error = Some(error));
                return;
            }
        }
    }
}

/// Applies changes in a transaction.
async fn apply_all(connection: &mut SqliteConnection, changes: &mut Vec<Change>) -> Result<(), String> {
    let mut transaction = connection.begin().await.map_err(|error| explain(&error))?;
    for change in changes.drain(..) {
        apply(&mut transaction, change).await?;
    }
    transaction.commit().await.map_err(|error| explain(&error))?;
    let vacuum = format!("PRAGMA incremental_vacuum({VACUUM_PAGES})");
    connection.execute(vacuum.as_str()).await.map(drop).map_err(|error| explain(&error))
}

/// The task that writes changes.
pub(crate) struct Writer {
    task: JoinHandle<()>,
    end: Arc<Notify>,
}

impl Writer {
    /// Ends the task once it has written what was sent, and waits until the file is closed.
    pub(crate) async fn stop(self) {
        self.end.notify_one();
        // The task never panics, and is not aborted.
        let _ = self.task.await;
    }
}

/// Requires that a database is a state file of this version. A new one becomes it.
async fn prepare(connection: &mut SqliteConnection, is_new: bool) -> Result<(), String> {
    let id = pragma(connection, "application_id").await?;
    let version = pragma(connection, "user_version").await?;
    match (id, version) {
        (APPLICATION_ID, VERSION) => Ok(()),
        (APPLICATION_ID, version) if version > VERSION => {
            Err(format!("it has version {version}, and this emulator reads up to {VERSION}: update the emulator"))
        }
        (0, 0) if is_new => {
            let tables = format!(
                "BEGIN;
                CREATE TABLE records (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (kind, key));
                CREATE TABLE contents (path TEXT NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (path, number));
                PRAGMA application_id = {APPLICATION_ID};
                PRAGMA user_version = {VERSION};
                COMMIT;"
            );
            connection.execute(tables.as_str()).await.map(drop).map_err(|error| explain(&error))
        }
        _ => Err("it is a database of another program: choose another file".to_owned()),
    }
}

async fn pragma(connection: &mut SqliteConnection, name: &str) -> Result<i64, String> {
    let query = format!("PRAGMA {name}");
    sqlx::query_scalar(&query).fetch_one(connection).await.map_err(|error| explain(&error))
}

async fn apply(connection: &mut SqliteConnection, change: Change) -> Result<(), String> {
    let done = match change {
        Change::Put { kind, key, value } => {
            // An upsert keeps the row, and so the order.
            let query = "INSERT INTO records (kind, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value";
            sqlx::query(query).bind(kind.name()).bind(key).bind(value).execute(connection).await
        }
        Change::Delete { kind, key } => {
            let query = "DELETE FROM records WHERE kind = ? AND key = ?";
            sqlx::query(query).bind(kind.name()).bind(key).execute(connection).await
        }
        Change::PutContent { path, chunks } => {
            let query = "DELETE FROM contents WHERE path = ?";
            let mut done = sqlx::query(query).bind(&path).execute(&mut *connection).await;
            for (number, chunk) in (0_i64..).zip(chunks) {
                let chunk = chunk.map_err(|error| format!("an upload cannot be read: {error}"))?;
                if done.is_err() {
                    break;
                }
                let query = sqlx::query("INSERT INTO contents (path, number, bytes) VALUES (?, ?, ?)");
                done = query.bind(&path).bind(number).bind(chunk.as_ref()).execute(&mut *connection).await;
            }
            done
        }
        Change::DeleteContent { path } => {
            sqlx::query("DELETE FROM contents WHERE path = ?").bind(path).execute(connection).await
        }
    };
    done.map(drop).map_err(|error| explain(&error))
}

/// Says what is wrong with the file, and what to do. The primary codes of SQLite are in the lower byte.
fn explain(error: &sqlx::Error) -> String {
    let database = error.as_database_error();
    let code =
        database.and_then(|error| error.code()).and_then(|code| code.parse::<i64>().ok()).map(|code| code & 0xff);
    let remedy = match code {
        Some(5 | 6) => "another emulator uses it: stop that one, or choose another file",
        Some(8) => "it cannot be written: change its permissions, or choose another file",
        Some(10) => "the disk reported an error",
        Some(11) => "it is damaged: restore or remove it",
        Some(13) => "the disk is full: free space, and start the emulator again",
        Some(14) => "it cannot be opened: check that its folder exists and can be written",
        Some(26) => "it is not a state file: choose another file",
        _ => return error.to_string(),
    };
    let message = database.map(|error| error.message().to_owned()).unwrap_or_default();
    format!("{remedy} ({message})")
}
