//! Enqueued jobs, and what must hold when child processes have finished them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_emulator::{Emulator, Operation, Pace};
use fal_jobs::State;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::sync::watch;

use crate::child::{Work, ended, input, journal, process, start};
use crate::support::Outcome;

/// Jobs in a database, with an emulator that can kill the process that sends it a request.
pub(crate) struct Batch {
    /// The database's URL.
    pub(crate) database: String,
    pub(crate) emulator: Emulator,
    pub(crate) trap: Trap,
    /// The number of requests to submit that the emulator has received.
    pub(crate) submitted: watch::Receiver<usize>,
    items: usize,
}

/// Kills a process while the emulator responds to it. The request has its effect, and the response is never read.
#[derive(Clone, Default)]
pub(crate) struct Trap(Arc<Mutex<Option<Set>>>);

struct Set {
    operation: Option<Operation>,
    /// Requests of the operation until the one that is deadly, that one included.
    left: usize,
    process: Pid,
}

impl Trap {
    /// Sets the trap for a child: at its request number `number` of an operation, or of any.
    pub(crate) fn set(&self, child: &Child, operation: Option<Operation>, number: usize) -> Outcome {
        *self.lock() = Some(Set { operation, left: number, process: process(child)? });
        Ok(())
    }

    /// Removes the trap. Needed before the child's id can be another process's.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    fn check(&self, operation: Operation) {
        let mut set = self.lock();
        if let Some(deadly) = &mut *set
            && deadly.operation.is_none_or(|meant| meant == operation)
        {
            deadly.left -= 1;
            if deadly.left == 0 {
                // It may have ended.
                let _ = kill_process(deadly.process, Signal::KILL);
                *set = None;
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Set>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    /// Enqueues jobs.
    pub(crate) async fn new(database: &str, items: usize) -> Result<Batch, Box<dyn std::error::Error>> {
        let (trap, submitted) = (Trap::default(), watch::Sender::new(0));
        let (sprung, received) = (trap.clone(), submitted.subscribe());
        let emulator = Emulator::builder()
            .pace(Pace::instant())
            .on_request(move |request| {
                sprung.check(request.operation());
                if request.operation() == Operation::Submit {
                    submitted.send_modify(|submitted| *submitted += 1);
                }
            })
            .start()
            .await?;
        let journal = journal(database).await?;
        let redux = emulator.client().endpoint(redux::ENDPOINT);
        for index in 0..items {
            journal.enqueue(&redux, input(index)).key(index.to_string()).await?;
        }
        Ok(Batch { database: database.to_owned(), emulator, trap, submitted: received, items })
    }

    /// Runs a worker until all jobs are completed.
    pub(crate) async fn finish(&self) -> Outcome {
        assert!(ended(start(&self.database, &self.emulator, Work::Worker, None)?).await?);
        Ok(())
    }

    /// Checks that each job was accepted once and is completed with the result of its request.
    pub(crate) async fn check(&self) -> Outcome {
        let accepted = self.emulator.jobs();
        let inputs: BTreeSet<_> = accepted.iter().map(|job| job.request().input()["image_url"].to_string()).collect();
        assert_eq!((accepted.len(), inputs.len()), (self.items, self.items), "accepted jobs, different ones");
        let journal = journal(&self.database).await?;
        let mut requests = BTreeSet::new();
        for index in 0..self.items {
            let job = journal.get(index.to_string()).await?.ok_or("a job is lost")?;
            assert_eq!(job.state, State::Completed, "{job:?}");
            let request = accepted.iter().find(|request| Some(request.request_id()) == job.request_id.as_deref());
            let sent = &request.ok_or("a request id is unknown")?.request();
            assert_eq!(sent.input()["image_url"], url(index));
            assert!(job.output.is_some());
            requests.insert(job.request_id);
        }
        assert_eq!(requests.len(), self.items);
        Ok(())
    }
}

fn url(index: usize) -> String {
    format!("https://example.com/{index}.png")
}
