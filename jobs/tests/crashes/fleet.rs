//! Four workers on one PostgreSQL.

use fal_jobs::State;
use rustix::process::{Signal, kill_process};
use tokio::process::Child;

use crate::batch::Batch;
use crate::child::{KillAt, Work, ended, journal, process, start};
use crate::server::Server;
use crate::support::{Database, Outcome};

const WORKERS: usize = 4;
const ITEMS: usize = 500;

/// Submissions between two kills. Four workers take about a second for them.
const STEP: usize = 40;

#[tokio::test]
async fn jobs_survive_kills_of_one_worker_after_another() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let batch = Batch::new(&database.url, ITEMS).await?;
    let mut fleet = Fleet::start(&batch)?;
    let mut kills = 0;
    for accepted in (STEP..ITEMS).step_by(STEP) {
        batch.submitted.clone().wait_for(|submitted| *submitted >= accepted).await?;
        fleet.replace(kills % WORKERS).await?;
        kills += 1;
    }
    fleet.ended().await?;
    assert!(kills >= 10);
    batch.check().await
}

#[tokio::test]
async fn jobs_survive_restarts_of_the_database() -> Outcome {
    let Some(server) = Server::start().await? else { return Ok(()) };
    let batch = Batch::new(&server.url(), ITEMS / 2).await?;
    let fleet = Fleet::start(&batch)?;
    for (accepted, mode) in [(STEP, "fast"), (2 * STEP, "immediate"), (4 * STEP, "immediate")] {
        batch.submitted.clone().wait_for(|submitted| *submitted >= accepted).await?;
        server.restart(mode).await?;
    }
    fleet.ended().await?;
    batch.check().await
}

/// The process is stopped after it has committed an intent, and goes on when others have taken its job over. It must not send
/// the job, because others may decide to do so.
#[tokio::test]
async fn a_suspended_process_does_not_send_a_job_that_it_has_lost() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let batch = Batch::new(&database.url, 1).await?;
    let stop = KillAt { signal: Signal::STOP, event: "committed intended".to_owned(), number: 1 };
    let child = start(&batch.database, &batch.emulator, Work::Worker, Some(&stop))?;
    let journal = journal(&database.url).await?;
    while journal.get("0").await?.is_none_or(|job| job.state == State::Waiting) {}
    let report = journal.worker(&batch.emulator.client()).until_empty().run().await?;
    assert_eq!((report.uncertain, batch.emulator.jobs().len()), (1, 0));
    kill_process(process(&child)?, Signal::CONT)?;
    assert!(ended(child).await?);
    batch.check().await
}

/// Processes with a worker each.
struct Fleet<'a> {
    batch: &'a Batch,
    workers: Vec<Child>,
}

impl<'a> Fleet<'a> {
    fn start(batch: &'a Batch) -> std::io::Result<Fleet<'a>> {
        let workers = (0..WORKERS).map(|_| start(&batch.database, &batch.emulator, Work::Worker, None));
        Ok(Fleet { batch, workers: workers.collect::<Result<_, _>>()? })
    }

    /// Kills a worker, and starts another one.
    async fn replace(&mut self, index: usize) -> std::io::Result<()> {
        self.workers[index].kill().await?;
        self.workers[index] = start(&self.batch.database, &self.batch.emulator, Work::Worker, None)?;
        Ok(())
    }

    /// Waits until the workers have finished all jobs.
    async fn ended(self) -> Outcome {
        for worker in self.workers {
            assert!(ended(worker).await?);
        }
        Ok(())
    }
}
