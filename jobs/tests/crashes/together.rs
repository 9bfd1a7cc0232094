//! Processes that run the same job concurrently.

use fal_jobs::State;

use crate::child::{Work, ended, start};
use crate::support::{Database, Outcome, emulator, on_both_databases};

on_both_databases!(processes_with_one_key_submit_one_request);

async fn processes_with_one_key_submit_one_request(database: Database) -> Outcome {
    let (emulator, _) = emulator().await?;
    let start = || start(&database.url, &emulator, Work::Job("fox"), None);
    // They begin when their standard input is closed.
    let (first, second, third) = (start()?, start()?, start()?);
    let (first, second, third) = tokio::join!(ended(first), ended(second), ended(third));
    assert!(first? && second? && third?);
    assert_eq!(emulator.jobs().len(), 1);
    let job = database.journal().await?.get("fox").await?.ok_or("the job is lost")?;
    assert_eq!(job.state, State::Completed);
    Ok(())
}
