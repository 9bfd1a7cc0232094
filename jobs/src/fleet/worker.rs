use std::collections::VecDeque;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fal_client::Client;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, join_all, pending, select};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::pause::jittered;
use crate::claims::Claim;
use crate::error::{Error, ErrorKind};
use crate::journal::{Course, Journal, OnUncertain};
use crate::record::Record;
use crate::state::State;
use crate::store::{Kind, Wanted};

/// The time for which a worker waits for a database that fails.
const DATABASE_PATIENCE: Duration = Duration::from_secs(300);

/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(60);

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
    is_until_empty: bool,
    stop: BoxFuture<'static, ()>,
    on_finished: OnFinished,
}

type OnFinished = Option<Box<dyn FnMut(&Record) + Send>>;

/// The numbers of jobs that a worker has finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerReport {
    /// Completed jobs.
    pub completed: u64,
    /// Failed jobs.
    pub failed: u64,
    /// Jobs that became uncertain.
    pub uncertain: u64,
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
    /// The database has failed for five minutes ([`ErrorKind::Database`](crate::ErrorKind::Database)). Failed jobs are not
    /// errors of the worker.
    pub async fn run(self) -> Result<WorkerReport, Error> {
        let Worker { journal, client, filter, concurrency, interval, on_uncertain, is_until_empty, stop, on_finished } =
            self;
        let shift = Shift {
            journal: &journal,
            client: &client,
            filter,
            interval,
            on_uncertain,
            is_until_empty,
            undecided: Mutex::default(),
            is_over: watch::Sender::new(false),
            idle_slots: AtomicUsize::new(0),
            failures: AtomicU32::new(0),
            claimed: tokio::sync::Mutex::default(),
            report: Mutex::new((WorkerReport::default(), on_finished)),
        };
        let slots = join_all((0..concurrency).map(|_| shift.slot()));
        let keep = journal.claims().keep(journal.store());
        let stop = async {
            stop.await;
            shift.is_over.send_replace(true);
            pending::<()>().await;
        };
        let ended = match select(slots, pin!(select(pin!(keep), pin!(stop)))).await {
            Either::Left((ended, _)) => ended,
            Either::Right((Either::Left((never, _)), _)) => match never {},
            Either::Right((Either::Right(((), _)), _)) => Vec::new(),
        };
        for (claim, _) in shift.claimed.into_inner() {
            claim.release(journal.store()).await;
        }
        ended.into_iter().collect::<Result<(), Error>>()?;
        Ok(shift.report.into_inner().unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// A running worker.
struct Shift<'a> {
    journal: &'a Journal,
    client: &'a Client,
    filter: Wanted,
    interval: Duration,
    on_uncertain: OnUncertain,
    is_until_empty: bool,
    /// Keys of uncertain jobs that the policy cannot decide.
    undecided: Mutex<Vec<String>>,
    /// True when no job is to be started any more.
    is_over: watch::Sender<bool>,
    /// Slots that wait for a job. One of them claims jobs for all.
    idle_slots: AtomicUsize,
    /// Failures without a success in between.
    failures: AtomicU32,
    claimed: tokio::sync::Mutex<VecDeque<(Claim<'a>, Record)>>,
    report: Mutex<(WorkerReport, OnFinished)>,
}

impl<'a> Shift<'a> {
    /// Works on one job after another.
    async fn slot(&self) -> Result<(), Error> {
        loop {
            self.idle_slots.fetch_add(1, Ordering::Relaxed);
            let next = self.next().await;
            self.idle_slots.fetch_sub(1, Ordering::Relaxed);
            let Some((claim, record)) = next? else { return Ok(()) };
            self.work(claim, record).await;
        }
    }

    /// Returns the next job. Waits for one if necessary. Returns `None` when the worker is to stop.
    async fn next(&self) -> Result<Option<(Claim<'a>, Record)>, Error> {
        let mut claimed = self.claimed.lock().await;
        let mut working_since = Instant::now();
        while !*self.is_over.borrow() {
            if let Some(next) = claimed.pop_front() {
                return Ok(Some(next));
            }
            match self.claim().await {
                Ok(more) if more.is_empty() => {
                    working_since = Instant::now();
                    if self.is_until_empty && self.is_empty().await {
                        self.is_over.send_replace(true);
                        break;
                    }
                    self.pause(jittered(self.interval)).await;
                }
                Ok(more) => *claimed = more,
                Err(error) if error.kind() == ErrorKind::Database && working_since.elapsed() < DATABASE_PATIENCE => {
                    tracing::warn!(target: "fal_jobs", %error, "the worker waits for the database");
                    self.pause(jittered(self.interval)).await;
                }
                Err(error) => {
                    self.is_over.send_replace(true);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Claims a job for each idle slot.
    async fn claim(&self) -> Result<VecDeque<(Claim<'a>, Record)>, Error> {
        let (claims, store) = (self.journal.claims(), self.journal.store());
        let limit = self.idle_slots.load(Ordering::Relaxed).max(1);
        let wanted = self.wanted();
        let mut claimed = claims.take_many(store, Kind::ToResume, &wanted, limit).await?;
        if claimed.len() < limit {
            claimed.extend(claims.take_many(store, Kind::ToSend, &wanted, limit - claimed.len()).await?);
        }
        Ok(claimed.into())
    }

    /// Returns the choice of jobs. A policy for uncertain jobs is tried once with each of them.
    fn wanted(&self) -> Wanted {
        let mut wanted = self.filter.clone();
        if self.on_uncertain != OnUncertain::Fail {
            let undecided = self.undecided.lock().unwrap_or_else(PoisonError::into_inner);
            wanted.uncertain_except = Some(Value::from(undecided.as_slice()).to_string());
        }
        wanted
    }

    async fn is_empty(&self) -> bool {
        // If the database fails, the next look at it handles that.
        matches!(self.journal.store().has_open(&self.wanted()).await, Ok(false))
    }

    /// Works on a job, and reports its outcome.
    async fn work(&self, claim: Claim<'_>, record: Record) {
        let (key, store) = (record.key.clone(), self.journal.store());
        let request = record
            .request
            .clone()
            .ok_or_else(|| Error::new(ErrorKind::State, "the enqueued job has no request").of(&key));
        let mut course = Course::new(self.journal, self.client);
        course.on_uncertain = self.on_uncertain;
        let worked = course.work(record, async { request }).await;
        let finished = match worked {
            Ok(record) => Some(record),
            Err(error) => {
                tracing::debug!(target: "fal_jobs", %error, "a job of a worker failed");
                store.get(&key).await.ok().flatten()
            }
        };
        match finished {
            Some(record) if record.state.is_final() || record.state == State::Uncertain => {
                self.failures.store(0, Ordering::Relaxed);
                if record.state == State::Uncertain && self.on_uncertain != OnUncertain::Fail {
                    self.undecided.lock().unwrap_or_else(PoisonError::into_inner).push(key);
                }
                match record.claim {
                    None => drop(claim),
                    Some(_) => claim.release(store).await,
                }
                self.report(&record);
            }
            _ => {
                // fal or the database cannot be used now. The claim keeps the job from others during the pause.
                let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(16);
                let pause = self.interval.saturating_mul(1 << failures).min(MAX_PAUSE);
                self.pause(jittered(pause)).await;
                claim.release(store).await;
            }
        }
    }

    fn report(&self, record: &Record) {
        let mut guard = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        let (report, on_finished) = &mut *guard;
        match record.state {
            State::Completed => report.completed += 1,
            State::Failed => report.failed += 1,
            _ => report.uncertain += 1,
        }
        if let Some(on_finished) = on_finished {
            on_finished(record);
        }
    }

    /// Waits, unless the worker is to stop.
    async fn pause(&self, time: Duration) {
        let mut is_over = self.is_over.subscribe();
        select(pin!(sleep(time)), pin!(is_over.wait_for(|is_over| *is_over))).await;
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
