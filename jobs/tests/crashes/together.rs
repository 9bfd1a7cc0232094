//! Processes that run the same job concurrently.

use fal_emulator::{Emulator, Pace};
use fal_jobs::State;
use rustix::process::Signal;

use crate::child::{KillAt, Work, ended, start, within};
use crate::support::{Database, Outcome, emulator, on_both_databases};

on_both_databases!(processes_with_one_key_submit_one_request, process_that_waits_for_another_one_says_so,);

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

async fn process_that_waits_for_another_one_says_so(database: Database) -> Outcome {
    let emulator = Emulator::builder().pace(Pace::manual()).start().await?;
    let mut first = start(&database.url, &emulator, Work::Job("fox"), None)?;
    drop(first.stdin.take());
    let submitted = async {
        while emulator.jobs().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    within(submitted).await?;
    // The second process ends at the event, so it was emitted.
    let event = "waiting for another call or process".to_owned();
    let at_event = KillAt { signal: Signal::KILL, event, number: 1 };
    let second = start(&database.url, &emulator, Work::Job("fox"), Some(&at_event))?;
    assert!(!ended(second).await?);
    emulator.complete(emulator.jobs()[0].request_id());
    assert!(ended(first).await?);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}
