//! A process that is killed at each step of a job.

use std::time::Duration;

use fal_emulator::{Fault, Operation};
use rustix::process::Signal;

use crate::child::{KillAt, ended, within};
use crate::jobs::Jobs;
use crate::support::{Database, Outcome, on_both_databases};
use crate::work::CONCURRENCY;

on_both_databases!(
    jobs_survive_a_kill_at_each_event,
    jobs_survive_a_kill_at_each_request,
    jobs_survive_a_kill_in_the_middle_of_a_file,
);

/// The events of a job in their order. Those before `committed intend` are before the intent is committed.
const EVENTS: [&str; 15] = [
    "committing intend",
    "changing the budget reserve",
    "committed intend",
    "sending",
    "sent",
    "committing submit",
    "committed submit",
    "following",
    "followed",
    "committing complete",
    "changing the budget settle",
    "committed complete",
    "saved",
    "committing save",
    "committed save",
];

/// Events of the process that takes over from one that was killed.
const DECISIONS: [&str; 4] = ["committing adopt", "committed adopt", "committing permit", "committed permit"];

/// More than the jobs that the killed processes finish.
const ITEMS: usize = 240;

async fn jobs_survive_a_kill_at_each_event(database: Database) -> Outcome {
    let jobs = Jobs::new(&database.url, ITEMS).await?;
    // Each process begins with other items, so that it need not wait until the lease of the last one has expired.
    let mut firsts = (0..ITEMS).step_by(6);
    for event in EVENTS {
        for number in [1, 3] {
            kill(&jobs, event, number, firsts.next().ok_or("no items are left")?).await?;
        }
    }
    // The outcome of the submission is unknown, or it was refused because of the key, or because of the input.
    let faults = [
        ("doubt", Fault::drop_connection().after_effect()),
        ("withdraw", Fault::respond(401)),
        ("fail", Fault::respond(422)),
    ];
    for (change, fault) in faults {
        for event in [format!("committing {change}"), format!("committed {change}")] {
            // The emulator may still read requests of the last process, at most one for each item in work.
            for _ in 0..=CONCURRENCY {
                jobs.emulator.inject_fault(Operation::Submit, fault.clone());
            }
            kill(&jobs, &event, 1, firsts.next().ok_or("no items are left")?).await?;
            jobs.emulator.clear_faults();
        }
    }
    for event in DECISIONS {
        kill(&jobs, event, 1, 0).await?;
    }
    jobs.finish_batch().await
}

async fn kill(jobs: &Jobs, event: &str, number: i64, first: usize) -> Outcome {
    let kill = KillAt { signal: Signal::KILL, event: event.to_owned(), number };
    assert!(!ended(jobs.batch(first, Some(&kill))?).await?, "the process was not killed at `{event}`");
    Ok(())
}

/// The process is killed after the request had its effect, before the response is sent.
async fn jobs_survive_a_kill_at_each_request(database: Database) -> Outcome {
    let jobs = Jobs::new(&database.url, ITEMS / 4).await?;
    for operation in [Operation::Submit, Operation::StatusStream, Operation::Result, Operation::Media] {
        for number in [1, 3] {
            let child = jobs.batch(0, None)?;
            jobs.trap.set(&child, Some(operation), number)?;
            let is_finished = ended(child).await?;
            jobs.trap.clear();
            assert!(!is_finished, "the process was not killed at {operation:?}");
        }
    }
    jobs.finish_batch().await
}

/// The host sends a half of the file and stops, until the process is killed.
async fn jobs_survive_a_kill_in_the_middle_of_a_file(database: Database) -> Outcome {
    let jobs = Jobs::new(&database.url, 12).await?;
    for _ in 0..2 {
        jobs.emulator.inject_fault(Operation::Media, Fault::stall_response_after(100));
        let mut child = jobs.batch(0, None)?;
        // The child has begun to receive a file when the fault is taken. It waits for the rest.
        let begun = async {
            while jobs.emulator.pending_faults() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(begun).await?;
        child.kill().await?;
        jobs.emulator.clear_faults();
    }
    jobs.finish_batch().await
}
