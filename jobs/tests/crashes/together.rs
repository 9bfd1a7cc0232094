//! Processes that run the same job concurrently.

use crate::batch::Batch;
use crate::child::{Work, ended, start};
use crate::support::{Database, Outcome, on_both_databases};

on_both_databases!(processes_with_one_key_submit_one_request);

async fn processes_with_one_key_submit_one_request(database: Database) -> Outcome {
    let batch = Batch::new(&database.url, 0).await?;
    let start = || start(&batch.database, &batch.emulator, Work::Job("fox"), None);
    // They begin when their standard input is closed.
    let (first, second, third) = (start()?, start()?, start()?);
    let (first, second, third) = tokio::join!(ended(first), ended(second), ended(third));
    assert!(first? && second? && third?);
    assert_eq!(batch.emulator.jobs().len(), 1);
    Ok(())
}
