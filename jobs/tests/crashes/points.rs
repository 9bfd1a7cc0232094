//! A process that is killed at each step of a job.

use fal_emulator::Operation;
use rustix::process::Signal;

use crate::batch::Batch;
use crate::child::{KillAt, Work, ended, start};
use crate::support::{Database, Outcome, on_both_databases};

on_both_databases!(jobs_survive_a_kill_at_each_event, jobs_survive_a_kill_at_each_request);

/// The events of a job in their order. The first two are before the intent is committed.
const EVENTS: [&str; 9] = [
    "committing intend",
    "committed intended",
    "sending",
    "sent",
    "committing submit",
    "committed submitted",
    "following",
    "committing complete",
    "committed completed",
];

/// More than the jobs that the killed processes finish.
const ITEMS: usize = 60;

async fn jobs_survive_a_kill_at_each_event(database: Database) -> Outcome {
    let batch = Batch::new(&database.url, ITEMS).await?;
    for event in EVENTS {
        for number in [1, 3] {
            let kill = KillAt { signal: Signal::KILL, event: event.to_owned(), number };
            let child = start(&batch.database, &batch.emulator, Work::Worker, Some(&kill))?;
            assert!(!ended(child).await?, "the process was not killed at `{event}`");
        }
    }
    batch.finish().await?;
    batch.check().await
}

/// The process is killed after the request had its effect, before the response is sent.
async fn jobs_survive_a_kill_at_each_request(database: Database) -> Outcome {
    let batch = Batch::new(&database.url, ITEMS).await?;
    for operation in [Operation::Submit, Operation::StatusStream, Operation::Result] {
        for number in [1, 3] {
            let child = start(&batch.database, &batch.emulator, Work::Worker, None)?;
            batch.trap.set(&child, Some(operation), number)?;
            let is_finished = ended(child).await?;
            batch.trap.clear();
            assert!(!is_finished, "the process was not killed at {operation:?}");
        }
    }
    batch.finish().await?;
    batch.check().await
}
