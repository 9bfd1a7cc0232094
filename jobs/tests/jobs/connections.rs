//! Connections to PostgreSQL that are lost at chosen moments.

use std::time::Duration;

use fal_emulator::Emulator;
use fal_jobs::{Error, ErrorKind, Journal, Record, State};
use futures_util::future::try_join_all;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};

use crate::support::proxy::{Moment, Proxy};
use crate::support::{Database, Outcome, PAINTER, painter};

/// The values that the statements of a job bind: its record, the intent, the request id and the result.
const STEPS: [&str; 4] = ["waiting", "intended", "submitted", "completed"];

/// Starts a proxy, and returns it with the URL of a database behind it.
async fn behind_proxy(database: &Database) -> Result<(Proxy, String), Box<dyn std::error::Error>> {
    let (start, rest) = database.url.rsplit_once('@').ok_or("no user")?;
    let (server, name) = rest.split_once('/').ok_or("no database")?;
    let proxy = Proxy::start(server).await?;
    let url = format!("{start}@127.0.0.1:{}/{name}", proxy.port);
    Ok((proxy, url))
}

async fn run(journal: &Journal, emulator: &Emulator, key: &str) -> Result<Record, Error> {
    Ok(journal.run(&emulator.client().endpoint(PAINTER), json!({"key": key})).key(key).await?.record)
}

#[tokio::test]
async fn lost_connection_neither_loses_nor_repeats_a_job() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let (proxy, url) = behind_proxy(&database).await?;
    let emulator = painter().await?;
    // A second connection would take over.
    let journal = Journal::builder().connections(1).open(&url).await?;
    let mut jobs = 0;
    for step in STEPS {
        for moment in [Moment::Before, Moment::After] {
            for refused in [0, 4] {
                proxy.cut(step, moment, refused);
                let key = format!("{step} {moment:?} {refused}");
                let record = run(&journal, &emulator, &key).await?;
                jobs += 1;
                assert!(proxy.is_done(), "{key}: the connection was not lost");
                assert_eq!((record.state, record.attempt), (State::Completed, 1), "{key}");
                assert_eq!(emulator.jobs().len(), jobs, "{key}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn request_id_is_recorded_once_the_database_works_again() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let (proxy, url) = behind_proxy(&database).await?;
    let emulator = painter().await?;
    let journal = Journal::builder().connections(1).retry_for(Duration::ZERO).open(&url).await?;
    proxy.cut("submitted", Moment::Before, 3);
    let record = run(&journal, &emulator, "one").await?;
    assert!(proxy.is_done(), "the connection was not lost");
    assert_eq!((record.state, record.attempt, emulator.jobs().len()), (State::Completed, 1, 1));
    Ok(())
}

#[tokio::test]
async fn journal_opens_after_the_server_has_started() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let (proxy, url) = behind_proxy(&database).await?;
    proxy.cut("a value that nothing binds", Moment::Before, 3);
    let emulator = painter().await?;
    let journal = Journal::open(&url).await?;
    assert_eq!(proxy.refused(), 0);
    run(&journal, &emulator, "one").await?;
    Ok(())
}

#[tokio::test]
async fn intent_that_is_not_committed_is_not_sent() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let (proxy, url) = behind_proxy(&database).await?;
    let emulator = painter().await?;
    let journal = Journal::builder().retry_for(Duration::ZERO).open(&url).await?;
    proxy.cut("intended", Moment::Before, 0);
    let error = run(&journal, &emulator, "one").await.expect_err("a lost connection");
    assert_eq!((error.kind(), error.key()), (ErrorKind::Database, Some("one")), "{error}");
    assert!(emulator.jobs().is_empty());
    assert_eq!(run(&journal, &emulator, "one").await?.attempt, 1);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

#[tokio::test]
async fn terminated_connections_are_replaced() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let emulator = painter().await?;
    let journal = Journal::builder().connections(4).open(&database.url).await?;
    let keys: Vec<String> = (0..30).map(|at| format!("k{at}")).collect();
    let mut server = PgConnection::connect(&database.url).await?;
    let mut ran = std::pin::pin!(try_join_all(keys.iter().map(|key| run(&journal, &emulator, key))));
    let mut submitted = 0;
    let records = loop {
        // A round for every other job, so that the others get on.
        if emulator.jobs().len() >= submitted + 2 {
            submitted = emulator.jobs().len();
            let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                             WHERE datname = current_database() AND pid <> pg_backend_pid()";
            server.execute(terminate).await?;
        }
        tokio::select! {
            biased;
            records = &mut ran => break records?,
            () = tokio::task::yield_now() => {}
        }
    };
    assert!(records.iter().all(|record| record.state == State::Completed && record.attempt == 1));
    assert_eq!(emulator.jobs().len(), keys.len());
    Ok(())
}
