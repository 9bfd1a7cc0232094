use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fal_client::Client;
use futures_util::future::{join_all, select};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::pause::jittered;
use super::report::{OnFinished, Reporter, WorkerReport};
use crate::claims::Claim;
use crate::error::{Error, ErrorKind};
use crate::journal::{Course, Journal, OnUncertain, recorded_options};
use crate::record::Record;
use crate::state::State;
use crate::store::{Kind, Wanted};

/// The time for which a worker waits for a database that fails.
const DATABASE_PATIENCE: Duration = Duration::from_secs(300);

/// The longest pause of a job after failures.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The number of parked jobs up to which a worker with few slots tries others.
const MIN_PARKED: usize = 16;

/// A running worker.
pub(super) struct Shift<'a> {
    journal: &'a Journal,
    client: Client,
    filter: Wanted,
    interval: Duration,
    on_uncertain: OnUncertain,
    webhook: Option<String>,
    is_until_empty: bool,
    /// True when no job is to be started any more.
    is_over: watch::Sender<bool>,
    /// Slots that wait for a job. One of them claims jobs for all.
    idle_slots: AtomicUsize,
    claimed: tokio::sync::Mutex<VecDeque<Job<'a>>>,
    /// Jobs that fal cannot take now, with the times at which they are tried again. Meanwhile, other jobs have their turn.
    parked: Mutex<Vec<(Instant, Job<'a>)>>,
    /// Keys of uncertain jobs that the policy cannot decide.
    undecided: Mutex<Vec<String>>,
    reporter: Reporter,
}

/// A claimed job.
struct Job<'a> {
    claim: Claim<'a>,
    record: Record,
    /// The number of failed attempts of this worker.
    failures: u32,
}

impl<'a> Shift<'a> {
    pub(super) fn new(journal: &'a Journal, client: Client, filter: Wanted, on_finished: OnFinished) -> Self {
        Shift {
            journal,
            client,
            filter,
            interval: Duration::ZERO,
            on_uncertain: OnUncertain::default(),
            webhook: None,
            is_until_empty: false,
            is_over: watch::Sender::new(false),
            idle_slots: AtomicUsize::new(0),
            claimed: tokio::sync::Mutex::default(),
            parked: Mutex::default(),
            undecided: Mutex::default(),
            reporter: Reporter::new(on_finished),
        }
    }

    pub(super) fn policies(mut self, interval: Duration, on_uncertain: OnUncertain, is_until_empty: bool) -> Self {
        (self.interval, self.on_uncertain, self.is_until_empty) = (interval, on_uncertain, is_until_empty);
        self
    }

    pub(super) fn webhook(mut self, url: Option<String>) -> Self {
        self.webhook = url;
        self
    }

    /// Lets the slots finish their jobs, and start no others.
    pub(super) fn stop(&self) {
        self.is_over.send_replace(true);
    }

    /// Gives up the jobs that were claimed and not started.
    pub(super) async fn release(&self) {
        let claimed = std::mem::take(&mut *self.claimed.lock().await);
        let parked = std::mem::take(&mut *lock(&self.parked));
        for job in claimed.into_iter().chain(parked.into_iter().map(|(_, job)| job)) {
            job.claim.release(self.journal.store()).await;
        }
    }

    pub(super) fn report(&self) -> WorkerReport {
        self.reporter.report()
    }

    /// Works on jobs in a number of slots.
    pub(super) async fn work(&self, slots: usize) -> Result<(), Error> {
        let slots = (0..slots).map(|_| async {
            let ended = self.slot(slots).await;
            if ended.is_err() {
                self.stop();
            }
            ended
        });
        // The other slots finish their jobs, even if one has failed.
        join_all(slots).await.into_iter().collect()
    }

    /// Works on one job after another.
    async fn slot(&self, slots: usize) -> Result<(), Error> {
        loop {
            self.idle_slots.fetch_add(1, Ordering::Relaxed);
            let next = self.next(slots).await;
            self.idle_slots.fetch_sub(1, Ordering::Relaxed);
            let Some(job) = next? else { return Ok(()) };
            self.run(job).await?;
        }
    }

    /// Returns the next job. Waits for one if necessary. Returns `None` when the worker is to stop.
    async fn next(&self, slots: usize) -> Result<Option<Job<'a>>, Error> {
        let mut claimed = self.claimed.lock().await;
        let mut working = Instant::now();
        while !*self.is_over.borrow() {
            let (due, parked) = self.due();
            if let Some(job) = due.or_else(|| claimed.pop_front()) {
                return Ok(Some(job));
            }
            if parked >= slots.max(MIN_PARKED) {
                // fal takes no job. Trying others would not help.
                self.pause().await;
                continue;
            }
            match self.claim().await {
                Ok(more) if more.is_empty() => {
                    working = Instant::now();
                    if self.is_until_empty && self.is_empty().await {
                        self.stop();
                        break;
                    }
                    self.pause().await;
                }
                Ok(more) => *claimed = more,
                Err(error) if error.kind() == ErrorKind::Database && working.elapsed() < DATABASE_PATIENCE => {
                    warn!(target: "fal_jobs", %error, "the worker waits for the database");
                    self.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Returns a parked job whose time has come, and the number of parked jobs that fal did not take.
    fn due(&self) -> (Option<Job<'a>>, usize) {
        let mut parked = lock(&self.parked);
        let due = parked.iter().position(|(time, _)| *time <= Instant::now());
        let due = due.map(|due| parked.swap_remove(due).1);
        (due, parked.iter().filter(|(_, job)| job.record.state != State::Uncertain).count())
    }

    /// Claims a job for each idle slot.
    async fn claim(&self) -> Result<VecDeque<Job<'a>>, Error> {
        let (claims, store) = (self.journal.claims(), self.journal.store());
        let limit = self.idle_slots.load(Ordering::Relaxed).max(1);
        let wanted = self.wanted();
        let mut claimed = claims.take_many(store, Kind::ToResume, &wanted, limit).await?;
        if claimed.len() < limit {
            claimed.extend(claims.take_many(store, Kind::ToSend, &wanted, limit - claimed.len()).await?);
        }
        Ok(claimed.into_iter().map(|(claim, record)| Job { claim, record, failures: 0 }).collect())
    }

    /// Returns the choice of jobs. A policy for uncertain jobs is tried once with each of them.
    fn wanted(&self) -> Wanted {
        let mut wanted = self.filter.clone();
        wanted.webhook_patience = self.journal.webhook_patience();
        if self.on_uncertain != OnUncertain::Fail {
            wanted.uncertain_except = Some(Value::from(lock(&self.undecided).as_slice()).to_string());
        }
        wanted
    }

    async fn is_empty(&self) -> bool {
        // If the database fails, the next look at it handles that.
        matches!(self.journal.store().has_open(&self.wanted()).await, Ok(false))
    }

    /// Works on a job, and reports its outcome. Fails if the worker cannot go on.
    async fn run(&self, job: Job<'a>) -> Result<(), Error> {
        let Job { claim, record, failures } = job;
        let (key, store) = (record.key.clone(), self.journal.store());
        let request = record.request.clone();
        let request = request.ok_or_else(|| Error::new(ErrorKind::State, "the enqueued job has no request").of(&key));
        let is_in_doubt = matches!(record.state, State::Intended | State::Uncertain);
        let mut course = Course::new(self.journal, &self.client);
        course.on_uncertain = self.on_uncertain;
        if let Ok(mut options) = recorded_options(&record) {
            if let Some(url) = self.webhook.as_ref().filter(|_| !options.has_webhook()) {
                options = options.webhook(url);
            }
            // The webhook reports the outcome, so the slot is free. A submitted job is here because its webhook did not come.
            course.only_submits = options.has_webhook() && record.state != State::Submitted;
            course.options = Some(options);
        }
        // A policy may wait for a long time until it decides. The job is parked meanwhile.
        course.deadline = is_in_doubt.then(|| Instant::now() + self.interval);
        let (worked, error) = match course.work(record, async { request }).await {
            Ok(record) => (Some(record), None),
            // Without a response of the database, the job is looked at again after a pause.
            Err(error) => (store.get(&key).await.ok().flatten(), Some(error)),
        };
        let Some(record) = worked else {
            claim.release(store).await;
            self.wait(jittered(self.interval)).await;
            return Ok(());
        };
        let is_undecided = record.state == State::Uncertain && {
            let is_refused = error.as_ref().is_none_or(|error| error.kind() == ErrorKind::Uncertain);
            self.on_uncertain == OnUncertain::Fail || is_in_doubt && is_refused
        };
        if record.state.is_final() || is_undecided {
            if let Some(error) = error {
                debug!(target: "fal_jobs", %error, "a job of a worker has failed");
            }
            if is_undecided && self.on_uncertain != OnUncertain::Fail {
                lock(&self.undecided).push(key);
            }
            match record.claim {
                None => claim.end(),
                Some(_) => claim.release(store).await,
            }
            self.reporter.finished(&record);
            return Ok(());
        }
        // Another process has taken the job over.
        if record.claim.as_deref() != Some(&self.journal.claims().process()) {
            return Ok(());
        }
        let Some(error) = error else {
            claim.release(store).await;
            return Ok(());
        };
        if error.client().is_some_and(|error| error.is_unauthorized() || error.is_account_locked()) {
            claim.release(store).await;
            return Err(error);
        }
        let pause = jittered(self.interval.saturating_mul(1 << failures.min(16)).min(MAX_PAUSE));
        warn!(target: "fal_jobs", %error, ?pause, "a job of a worker is tried again");
        lock(&self.parked).push((Instant::now() + pause, Job { claim, record, failures: failures + 1 }));
        Ok(())
    }

    /// Waits for the next look at the journal, or for a parked job.
    async fn pause(&self) {
        let due = lock(&self.parked).iter().map(|(time, _)| *time).min();
        let pause = jittered(self.interval);
        let until_due = due.map(|due| due.saturating_duration_since(Instant::now()));
        self.wait(until_due.map_or(pause, |until_due| until_due.min(pause))).await;
    }

    /// Waits, unless the worker is to stop.
    async fn wait(&self, time: Duration) {
        let mut is_over = self.is_over.subscribe();
        select(pin!(sleep(time)), pin!(is_over.wait_for(|is_over| *is_over))).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
