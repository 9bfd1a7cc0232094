use std::fmt;
use std::pin::pin;
use std::time::Duration;

use fal_client::Client;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, pending, select};
use serde_json::Value;

use super::report::{OnFinished, WorkerReport};
use super::shift::Shift;
use crate::error::Error;
use crate::journal::{Journal, OnUncertain};
use crate::record::Record;
use crate::store::Wanted;

/// Runs the enqueued jobs of a journal. Created by [`Journal::worker`].
///
/// Workers of many processes and machines can share a journal on PostgreSQL. On SQLite, they share a machine. Each job is
/// claimed by one worker, oldest first. If a worker dies, the others take its jobs over when its
/// [lease](crate::JournalBuilder::lease) has expired. They follow the requests that it sent, and send nothing a second time.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use fal_jobs::Journal;
///
/// let journal = Journal::open("postgres://localhost/jobs").await?;
/// let report = journal
///     .worker(&client)
///     .endpoints(["fal-ai/flux/dev/redux"])
///     .concurrency(20)
///     .on_finished(|job| println!("{} is {}", job.key, job.state))
///     .stop_when(std::future::pending::<()>()) // such as tokio::signal::ctrl_c()
///     .run()
///     .await?;
/// println!("{} completed, {} failed", report.completed, report.failed);
/// # Ok(())
/// # }
/// ```
#[must_use = "a worker does nothing until `run` is awaited"]
pub struct Worker {
    journal: Journal,
    client: Client,
    filter: Wanted,
    concurrency: usize,
    interval: Duration,
    on_uncertain: OnUncertain,
    webhook: Option<String>,
    is_until_empty: bool,
    stop: BoxFuture<'static, ()>,
    on_finished: OnFinished,
}

impl Journal {
    /// Returns a worker for the enqueued jobs.
    pub fn worker(&self, client: &Client) -> Worker {
        Worker {
            journal: self.clone(),
            client: client.clone(),
            filter: Wanted::default(),
            concurrency: 10,
            interval: Duration::from_secs(1),
            on_uncertain: OnUncertain::default(),
            webhook: None,
            is_until_empty: false,
            stop: pending().boxed(),
            on_finished: None,
        }
    }
}

impl Worker {
    /// Restricts the worker to endpoints, by their ids. Default: all.
    pub fn endpoints<E: Into<String>>(mut self, endpoints: impl IntoIterator<Item = E>) -> Self {
        let endpoints: Vec<String> = endpoints.into_iter().map(Into::into).collect();
        self.filter.endpoints = Some(Value::from(endpoints).to_string());
        self
    }

    /// Restricts the worker to jobs with a label. Default: all jobs.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.filter.label = Some(label.into());
        self
    }

    /// Sets the maximum number of jobs in progress, at least 1. Default: 10.
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }

    /// Sets the longest time between two looks at the journal while it has no job for this worker. Default: 1 second.
    ///
    /// The time is shortened by up to a half at random, so that many workers do not look in step.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the decision about a job of which it is unknown whether fal has accepted its submission. Default:
    /// [`OnUncertain::Fail`], which leaves the job uncertain.
    pub fn on_uncertain(mut self, on_uncertain: OnUncertain) -> Self {
        self.on_uncertain = on_uncertain;
        self
    }

    /// Makes fal post the results to a URL, whose server completes the jobs: see
    #[cfg_attr(feature = "webhook", doc = "[`Journal::webhook_handler`].")]
    #[cfg_attr(not(feature = "webhook"), doc = "`Journal::webhook_handler`.")]
    /// Default: none, except for jobs that have a [webhook](crate::SubmitOptions::webhook) of their own.
    ///
    /// The worker then only sends the jobs. Their outcomes are not in its report, and requests in progress do not count for
    /// [`concurrency`](Self::concurrency). If a webhook does not come within
    /// [`JournalBuilder::webhook_patience`](crate::JournalBuilder::webhook_patience), a worker follows the request.
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.webhook = Some(url.into());
        self
    }

    /// Ends the worker when all of its jobs have an outcome: those in progress in other workers, too. Default: it waits for
    /// more jobs.
    pub fn until_empty(mut self) -> Self {
        self.is_until_empty = true;
        self
    }

    /// Stops the worker when a future completes. It finishes the jobs in progress, and starts no others. Default: never.
    pub fn stop_when(mut self, stop: impl Future + Send + 'static) -> Self {
        self.stop = stop.map(drop).boxed();
        self
    }

    /// Registers a callback for each job that is completed, failed or became uncertain. It must not block.
    pub fn on_finished(mut self, callback: impl FnMut(&Record) + Send + 'static) -> Self {
        self.on_finished = Some(Box::new(callback));
        self
    }

    /// Runs until [`stop_when`](Self::stop_when) or [`until_empty`](Self::until_empty) ends it. Dropping the future stops it
    /// immediately, and other workers take over its jobs.
    ///
    /// # Errors
    ///
    /// - The database has failed for five minutes ([`ErrorKind::Database`](crate::ErrorKind::Database)).
    /// - fal rejects the API key, or the account is locked ([`ErrorKind::Request`](crate::ErrorKind::Request)).
    ///
    /// The worker finishes the jobs in progress before it returns an error. Failed jobs are not errors of the worker.
    pub async fn run(self) -> Result<WorkerReport, Error> {
        let journal = self.journal.clone();
        let shift = Shift::new(&journal, self.client, self.filter, self.on_finished)
            .policies(self.interval, self.on_uncertain, self.is_until_empty)
            .webhook(self.webhook);
        let work = shift.work(self.concurrency);
        let keep = journal.claims().keep(journal.store());
        let stop = async {
            self.stop.await;
            shift.stop();
            pending::<()>().await;
        };
        let ended = match select(pin!(work), pin!(select(pin!(keep), pin!(stop)))).await {
            Either::Left((ended, _)) => ended,
            Either::Right((Either::Left((never, _)), _)) => match never {},
            Either::Right((Either::Right(((), _)), _)) => Ok(()),
        };
        shift.release().await;
        ended?;
        Ok(shift.report())
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("filter", &self.filter)
            .field("concurrency", &self.concurrency)
            .field("interval", &self.interval)
            .field("is_until_empty", &self.is_until_empty)
            .finish_non_exhaustive()
    }
}
