//! The end of a command whose job goes on.

use std::time::Duration;

use fal_jobs::{Journal, State};

use crate::error::{Error, Exit};
use crate::job_key::short;

/// The time in which the journal gives up the jobs of a command that leaves, so that the next command need not wait for its lease.
const RELEASE: Duration = Duration::from_millis(100);

/// The time for which a statement that is on its way may keep the command.
const CLOSE: Duration = Duration::from_secs(1);

/// Lets other commands continue the jobs that this one has worked on.
pub(crate) async fn release(journal: &Journal) {
    tokio::time::sleep(RELEASE).await;
    let _ = tokio::time::timeout(CLOSE, journal.close()).await;
}

/// Returns the error of a command that leaves a job before it is finished.
pub(crate) async fn left(journal: &Journal, key: &str) -> Error {
    let state = journal.get(key).await.ok().flatten().map(|job| job.state);
    let key = short(key);
    let (message, help) = match state {
        Some(State::Waiting) | None => {
            (format!("interrupted; the job `{key}` was not sent"), "to send it, run the command again".to_owned())
        }
        Some(State::Intended | State::Uncertain) => (
            format!("interrupted while the job `{key}` was being sent"),
            format!("to find out whether fal has accepted it, use `cargo fal status {key}`"),
        ),
        Some(State::Completed) => (
            format!("interrupted; the job `{key}` is completed"),
            format!("to save its files, use `cargo fal result {key}`"),
        ),
        _ => (
            format!("interrupted; the job `{key}` continues"),
            format!("follow it with `cargo fal watch {key}`, or cancel it with `cargo fal cancel {key}`"),
        ),
    };
    Error::new(Exit::Interrupted, message).help(help)
}
