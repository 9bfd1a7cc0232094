//! Four workers on one PostgreSQL.

use fal_jobs::State;
use rustix::process::{Signal, kill_process};
use tokio::process::Child;

use crate::child::{KillAt, Work, ended, process, start, within};
use crate::jobs::Jobs;
use crate::server::Server;
use crate::support::{Database, Outcome};
use crate::work::journal;

const WORKERS: usize = 4;
const ITEMS: usize = 500;

/// Submissions between two kills. Four workers take about a second for them.
const STEP: usize = 40;

#[tokio::test]
async fn jobs_survive_kills_of_one_worker_after_another() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let jobs = Jobs::enqueued(&database.url, ITEMS).await?;
    let mut fleet = Fleet::start(&jobs)?;
    let mut kills = 0;
    for accepted in (STEP..ITEMS).step_by(STEP) {
        jobs.submitted(accepted).await?;
        fleet.replace(kills % WORKERS).await?;
        kills += 1;
    }
    fleet.ended().await?;
    assert!(kills >= 10);
    jobs.check().await
}

#[tokio::test]
async fn jobs_survive_restarts_of_the_database() -> Outcome {
    let Some(server) = Server::start().await? else { return Ok(()) };
    let jobs = Jobs::enqueued(&server.url(), ITEMS / 2).await?;
    let fleet = Fleet::start(&jobs)?;
    for (accepted, mode) in [(STEP, "fast"), (2 * STEP, "immediate"), (4 * STEP, "immediate")] {
        jobs.submitted(accepted).await?;
        server.restart(mode).await?;
    }
    fleet.ended().await?;
    jobs.check().await
}

/// The process is stopped after it has committed an intent, and goes on when others have taken its job over. It must not send
/// the job, because others may decide to do so.
#[tokio::test]
async fn a_suspended_process_does_not_send_a_job_that_it_has_lost() -> Outcome {
    let Some(database) = Database::postgres().await? else { return Ok(()) };
    let jobs = Jobs::enqueued(&database.url, 1).await?;
    let stop = KillAt { signal: Signal::STOP, event: "committed intend".to_owned(), number: 1 };
    let child = start(&jobs.database, &jobs.emulator, Work::Worker, Some(&stop))?;
    let journal = journal(&database.url).await?;
    let stopped = async {
        while journal.get("0").await?.is_none_or(|job| job.state == State::Waiting) {}
        Ok::<_, fal_jobs::Error>(())
    };
    within(stopped).await??;
    let report = journal.worker(&jobs.emulator.client()).until_empty().run().await?;
    assert_eq!((report.uncertain, jobs.emulator.jobs().len()), (1, 0));
    kill_process(process(&child)?, Signal::CONT)?;
    assert!(ended(child).await?);
    jobs.check().await
}

/// Processes with a worker each.
struct Fleet<'a> {
    jobs: &'a Jobs,
    workers: Vec<Child>,
}

impl<'a> Fleet<'a> {
    fn start(jobs: &'a Jobs) -> std::io::Result<Fleet<'a>> {
        let workers = (0..WORKERS).map(|_| start(&jobs.database, &jobs.emulator, Work::Worker, None));
        Ok(Fleet { jobs, workers: workers.collect::<Result<_, _>>()? })
    }

    /// Kills a worker, and starts another one.
    async fn replace(&mut self, index: usize) -> std::io::Result<()> {
        self.workers[index].kill().await?;
        self.workers[index] = start(&self.jobs.database, &self.jobs.emulator, Work::Worker, None)?;
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
