//! Databases and an emulator for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use fal_client::Client;
use fal_emulator::Emulator;
use fal_jobs::Journal;

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
        let folder = tempfile::tempdir()?;
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
        let created = tokio::process::Command::new("psql")
            .args([&server, "--quiet", "--command", &format!("CREATE DATABASE {name}")])
            .status()
            .await?;
        assert!(created.success(), "cannot create the database {name}");
        let (base, _) = server.rsplit_once('/').ok_or("the server's URL has no database")?;
        Ok(Some(Database { url: format!("{base}/{name}"), _folder: None }))
    }

    pub(crate) async fn journal(&self) -> Result<Journal, fal_jobs::Error> {
        Journal::open(&self.url).await
    }
}

/// Starts an emulator, with a client for it.
pub(crate) async fn emulator() -> Result<(Emulator, Client), Box<dyn std::error::Error>> {
    let emulator = Emulator::start().await?;
    let client = emulator.client();
    Ok((emulator, client))
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
