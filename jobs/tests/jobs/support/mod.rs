//! Databases and an emulator for tests.

pub(crate) mod events;
pub(crate) mod proxy;

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicU64, Ordering};

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Client, RetryPolicy};
use fal_emulator::{Emulator, Pace};
use fal_jobs::Journal;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The PostgreSQL server that the tests use, as a URL. Each test creates databases of its own there.
const SERVER: &str = "FAL_JOBS_TEST_POSTGRES";

/// A new database. A SQLite file is removed when this is dropped.
pub(crate) struct Database {
    pub(crate) url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) async fn sqlite() -> Result<Database, Box<dyn std::error::Error>> {
        let folder = folder()?;
        let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
        Ok(Database { url, _folder: Some(folder) })
    }

    /// Returns `None` without a server.
    pub(crate) async fn postgres() -> Result<Option<Database>, Box<dyn std::error::Error>> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let server = match std::env::var(SERVER) {
            Ok(server) if server != "none" => server,
            found => {
                let is_missing = found.is_err() && std::env::var_os("CI").is_some();
                assert!(!is_missing, "{SERVER} is not set: `.ci/postgres COMMAND` starts a server");
                eprintln!("skipped on PostgreSQL: {SERVER} is not set: `.ci/postgres COMMAND` starts a server");
                return Ok(None);
            }
        };
        let name = format!("jobs_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        execute(&server, &format!("CREATE DATABASE {name}")).await?;
        let (base, _) = server.rsplit_once('/').ok_or("the server's URL has no database")?;
        Ok(Some(Database { url: format!("{base}/{name}"), _folder: None }))
    }

    /// Runs SQL in the database, on a connection of its own.
    pub(crate) async fn execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        execute(&self.url, sql).await
    }

    /// Returns the file of a SQLite database.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite://").map(Path::new)
    }

    pub(crate) async fn journal(&self) -> Result<Journal, fal_jobs::Error> {
        Journal::open(&self.url).await
    }
}

/// Creates a temporary folder in memory, or on a disk where that is not possible. A process that is killed does not lose what it
/// has written.
pub(crate) fn folder() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

async fn execute(url: &str, sql: &str) -> Result<(), sqlx::Error> {
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await?;
        connection.execute(sql).await?;
        connection.close().await
    } else {
        let mut connection = PgConnection::connect(url).await?;
        connection.execute(sql).await?;
        connection.close().await
    }
}

/// An endpoint whose input and output are any objects.
pub(crate) const PAINTER: &str = "acme/painter";

/// Starts an emulator of [`PAINTER`] alone.
pub(crate) async fn painter() -> Result<Emulator, Box<dyn std::error::Error>> {
    let any = json!({"content": {"application/json": {"schema": {"type": "object", "properties": {}}}}});
    let document = json!({
        "openapi": "3.0.4",
        "info": {"title": "Paints", "version": "1.0.0", "x-fal-metadata": {"endpointId": PAINTER, "category": "text-to-image"}},
        "paths": {
            (format!("/{PAINTER}")): {"post": {"requestBody": any, "responses": {"200": {"content": {}}}}},
            (format!("/{PAINTER}/requests/{{request_id}}")): {"get": {"responses": {"200": any}}},
        },
    });
    Ok(Emulator::builder().document(document.to_string()).pace(Pace::instant()).start().await?)
}

/// Runs a test of this program in a child process, through a command that runs its arguments, with a variable.
pub(crate) async fn child(command: &[&str], test: &str, variable: (&str, &str)) -> std::io::Result<Output> {
    tokio::process::Command::new(command[0])
        .args(&command[1..])
        .arg(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(variable.0, variable.1)
        .output()
        .await
}

/// Starts an emulator, with a client for it.
pub(crate) async fn emulator() -> Result<(Emulator, Client), Box<dyn std::error::Error>> {
    let emulator = Emulator::start().await?;
    let client = emulator.client();
    Ok((emulator, client))
}

/// Starts an emulator whose jobs are completed when they are submitted, with a client that does not retry.
pub(crate) async fn instant() -> Result<(Emulator, Client), Box<dyn std::error::Error>> {
    emulator_with(Pace::instant()).await
}

/// Starts an emulator whose jobs have a pace, with a client that does not retry.
pub(crate) async fn emulator_with(pace: Pace) -> Result<(Emulator, Client), Box<dyn std::error::Error>> {
    let emulator = Emulator::builder().pace(pace).start().await?;
    let client = emulator.client_builder().retry(RetryPolicy::none()).build()?;
    Ok((emulator, client))
}

/// An input of the endpoint of most tests.
pub(crate) fn fox() -> redux::Input {
    redux::Input::builder().image_url("https://example.com/fox.png").build()
}

/// Defines a module with each test as two tests: on SQLite, and on PostgreSQL if there is a server. A test is an async function
/// that takes a [`Database`].
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() -> $crate::support::Outcome {
                super::$test($crate::support::Database::sqlite().await?).await
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() -> $crate::support::Outcome {
                match $crate::support::Database::postgres().await? {
                    Some(database) => super::$test(database).await,
                    None => Ok(()),
                }
            })+
        }
    };
}
pub(crate) use on_both_databases;
