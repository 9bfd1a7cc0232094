//! Jobs that child processes work on, and what must hold at the end.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::money::{Cost, Decimal};
use fal_emulator::{Emulator, Operation, Pace};
use fal_jobs::{Journal, Record, State};
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::process::Child;
use tokio::sync::watch;

use crate::child::{Work, process, start, within};
use crate::support::{Outcome, folder};
use crate::work::{ESTIMATED_UNITS, budget, input, journal, prices, run_batch};

/// Jobs of a database, with an emulator that can kill the process that sends it a request.
pub(crate) struct Jobs {
    /// The database's URL.
    pub(crate) database: String,
    /// The folder into which batches save the files of the outputs.
    pub(crate) folder: TempDir,
    pub(crate) emulator: Emulator,
    pub(crate) trap: Trap,
    /// The number of requests to submit that the emulator has received.
    pub(crate) submitted: watch::Receiver<usize>,
    pub(crate) items: usize,
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

impl Jobs {
    /// Prepares a number of jobs, which the database does not have yet.
    pub(crate) async fn new(database: &str, items: usize) -> Result<Jobs, Box<dyn std::error::Error>> {
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
        Ok(Jobs { database: database.to_owned(), folder: folder()?, emulator, trap, submitted: received, items })
    }

    /// Prepares a number of jobs for workers.
    pub(crate) async fn enqueued(database: &str, items: usize) -> Result<Jobs, Box<dyn std::error::Error>> {
        let jobs = Jobs::new(database, items).await?;
        let (journal, client) = (journal(database).await?, jobs.emulator.client());
        let redux = client.endpoint(redux::ENDPOINT);
        for index in 0..items {
            journal.enqueue(&redux, input(index)).key(index.to_string()).await?;
        }
        Ok(jobs)
    }

    /// Waits until the emulator has received a number of submissions.
    pub(crate) async fn submitted(&self, number: usize) -> Outcome {
        let mut submitted = self.submitted.clone();
        within(submitted.wait_for(|submitted| *submitted >= number)).await??;
        Ok(())
    }

    /// Starts a child process with a batch, which begins with the item `first`.
    pub(crate) fn batch(&self, first: usize, kill: Option<&crate::child::KillAt>) -> std::io::Result<Child> {
        let work = Work::Batch { folder: self.folder.path(), items: self.items, first };
        start(&self.database, &self.emulator, work, kill)
    }

    /// Runs the batch in this process until all items are completed, and checks the jobs, their files and their cost.
    pub(crate) async fn finish_batch(&self) -> Outcome {
        let journal = Journal::builder().prices(prices()?).open(&self.database).await?;
        let folder = self.folder.path();
        let errors = within(run_batch(&journal, &self.emulator.client(), folder, 0..self.items)).await??;
        assert!(errors.is_empty(), "{errors:?}");
        self.check().await?;
        // The emulator bills one unit for each job.
        let price = prices()?.cost(redux::ENDPOINT.id(), 1)?.amount;
        let mut spent = Decimal::ZERO;
        for index in 0..self.items {
            let job = journal.get(index.to_string()).await?.ok_or("a job is lost")?;
            check_files(&job, folder)?;
            let cost = job.cost().ok_or("no cost")?.amount;
            // A submission of unknown outcome that was followed by another costs its estimate.
            let repeated = (cost - price) / (price * ESTIMATED_UNITS);
            assert!(repeated.is_integer() && repeated >= Decimal::ZERO, "{job:?} costs {cost}");
            spent += cost;
        }
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            assert!(!name.to_string_lossy().ends_with(".part"), "a part of a file is left: {name:?}");
        }
        let budget = budget(&journal).await?;
        budget.check().await?;
        let usage = budget.usage().await?;
        assert_eq!((usage.spent, usage.reserved), (Cost::usd(spent)?, Cost::usd(0)?));
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
            assert_eq!(sent.input()["image_url"], crate::work::url(index));
            assert!(job.output.is_some());
            requests.insert(job.request_id);
        }
        assert_eq!(requests.len(), self.items);
        Ok(())
    }
}

/// Checks that the files of an output are recorded and complete.
fn check_files(job: &Record, folder: &Path) -> Outcome {
    let files = job.files();
    assert_eq!(files.len(), 1, "{job:?}");
    for file in files {
        let bytes = std::fs::read(folder.join(file.file_name.ok_or("a file has no name")?))?;
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((hash, bytes.len() as u64), (file.sha256, file.size), "{job:?}");
    }
    Ok(())
}
