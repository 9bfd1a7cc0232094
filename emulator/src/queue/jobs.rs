use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::platform::billed::Billed;
use crate::queue::accepted_job::AcceptedJob;
use crate::queue::changed::Changed;
use crate::queue::job::{Job, Phase};
use crate::queue::saved_job::SavedJob;
use crate::request::journal::MAX_BYTES;
use crate::response::exceeded::Exceeded;
use crate::saved::change::Kind;
use crate::saved::sink::Sink;
use crate::sync::lock;
use crate::time::clock::Clock;

/// The jobs of an emulator, by request id, and the totals of all jobs that there ever were.
///
/// Jobs complete with time, and no task reports it. So the unfinished jobs are ordered by the time of their next check, and each
/// call first checks those that are due.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// The most jobs that are kept.
    max: usize,
    clock: Arc<Clock>,
    /// The jobs that something other than time has changed.
    changed: Arc<Changed>,
    sink: Sink,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// The numbers of the jobs that are kept, by request id.
    numbers: HashMap<String, u64>,
    /// The jobs that are not completed, by number: oldest first.
    unfinished: BTreeMap<u64, Unfinished>,
    /// The completed jobs, by number. Their bills are in the totals.
    completed: BTreeMap<u64, Arc<Job>>,
    /// The unfinished jobs that may be completed from a time on.
    due: BTreeSet<(Instant, u64)>,
    bytes: usize,
    /// The number of jobs that were accepted.
    accepted: u64,
    /// The bills of completed jobs, by endpoint id.
    billed: HashMap<String, Billed>,
    /// The part of `billed` that is of jobs that are not kept any more.
    forgotten: HashMap<String, Billed>,
}

/// A job that is not completed.
#[derive(Debug)]
struct Unfinished {
    job: Arc<Job>,
    /// The time in `due`.
    due: Option<Instant>,
}

impl Jobs {
    pub(crate) fn new(max: usize, clock: &Arc<Clock>, sink: Sink) -> Self {
        let changed = Arc::new(Changed::new(sink.clone()));
        Jobs { max, clock: Arc::clone(clock), changed, sink, entries: Mutex::default() }
    }

    /// Returns the list to which jobs add themselves when something other than time changes them.
    pub(crate) fn changed(&self) -> Arc<Changed> {
        Arc::clone(&self.changed)
    }

    /// Adds a job, and removes the oldest completed jobs if the limits are exceeded. Fails if no job is completed.
    pub(crate) fn add(&self, job: Arc<Job>) -> Result<(), Exceeded> {
        self.settled(|jobs| {
            let exceeded = if jobs.count() >= self.max {
                Some(Exceeded { max: self.max, of: "unfinished jobs" })
            } else {
                (jobs.bytes > MAX_BYTES).then_some(Exceeded { max: MAX_BYTES >> 20, of: "MiB of unfinished jobs" })
            };
            if let Some(exceeded) = exceeded.filter(|_| jobs.completed.is_empty()) {
                return Err(exceeded);
            }
            self.sink.put(Kind::Job, &job.id, || SavedJob::new(jobs.accepted, &job));
            jobs.insert(jobs.accepted, job);
            while jobs.count() > self.max || (jobs.bytes > MAX_BYTES && jobs.count() > 1) {
                let Some((_, oldest)) = jobs.completed.pop_first() else {
                    break;
                };
                jobs.numbers.remove(&oldest.id);
                jobs.bytes -= oldest.received.size();
                jobs.forget(&oldest, &self.sink);
            }
            Ok(())
        })
    }

    /// Adds a job of the state file with its number.
    #[cfg(feature = "state")]
    pub(crate) fn restore(&self, number: u64, job: Arc<Job>) {
        self.settled(|jobs| {
            jobs.insert(number, job);
            // A test may have completed it, so that no time is due.
            jobs.check(number);
        });
    }

    /// Keeps the number of a job that stays in the state file only.
    #[cfg(feature = "state")]
    pub(crate) fn skip(&self, number: u64) {
        let mut jobs = lock(&self.entries);
        jobs.accepted = jobs.accepted.max(number.saturating_add(1));
    }

    /// Adds what the jobs of an endpoint were billed that are not kept any more.
    #[cfg(feature = "state")]
    pub(crate) fn restore_billed(&self, endpoint: &str, billed: Billed) {
        let mut jobs = lock(&self.entries);
        jobs.forgotten.insert(endpoint.to_owned(), billed);
        jobs.billed.entry(endpoint.to_owned()).or_default().merge(&billed);
    }

    /// Returns the number of jobs that were accepted, even if they are no longer kept.
    pub(crate) fn accepted(&self) -> u64 {
        lock(&self.entries).accepted
    }

    /// Returns what all completed jobs were billed.
    pub(crate) fn billed(&self) -> Billed {
        self.settled(|jobs| {
            let mut total = Billed::default();
            jobs.billed.values().for_each(|billed| total.merge(billed));
            total
        })
    }

    /// Returns what the completed jobs of an endpoint were billed.
    pub(crate) fn billed_of(&self, endpoint: &str) -> Billed {
        self.settled(|jobs| jobs.billed.get(endpoint).copied().unwrap_or_default())
    }

    /// Returns the jobs that are kept, oldest first.
    pub(crate) fn kept(&self) -> Vec<Arc<Job>> {
        let jobs = lock(&self.entries);
        let unfinished = jobs.unfinished.iter().map(|(number, unfinished)| (number, &unfinished.job));
        let mut kept: Vec<_> = jobs.completed.iter().chain(unfinished).collect();
        kept.sort_by_key(|(number, _)| **number);
        kept.into_iter().map(|(_, job)| Arc::clone(job)).collect()
    }

    pub(crate) fn get(&self, request_id: &str) -> Option<Arc<Job>> {
        let jobs = lock(&self.entries);
        let number = jobs.numbers.get(request_id)?;
        let unfinished = jobs.unfinished.get(number).map(|unfinished| &unfinished.job);
        unfinished.or_else(|| jobs.completed.get(number)).cloned()
    }

    /// Returns all jobs, oldest first.
    pub(crate) fn all(&self) -> Vec<AcceptedJob> {
        self.kept().into_iter().map(AcceptedJob).collect()
    }

    /// Returns the number of an endpoint's jobs that wait in the queue.
    pub(crate) fn waiting(&self, endpoint: &str) -> u64 {
        self.settled(|jobs| {
            let jobs = jobs.unfinished.values().map(|unfinished| &unfinished.job);
            let of_endpoint = jobs.filter(|job| job.endpoint.document.id == endpoint);
            of_endpoint.filter(|job| matches!(job.now().phase, Phase::Queued { .. })).count() as u64
        })
    }

    /// Returns a result of the jobs, once those that were completed by now are known.
    fn settled<T>(&self, result: impl FnOnce(&mut Entries) -> T) -> T {
        let mut entries = lock(&self.entries);
        let now = self.clock.now();
        let mut checked: Vec<u64> =
            self.changed.take().iter().filter_map(|id| entries.numbers.get(id).copied()).collect();
        while let Some((_, number)) = entries.due.first().copied().filter(|(at, _)| *at <= now) {
            entries.due.pop_first();
            checked.push(number);
        }
        // Afterwards, so that a job whose next check is due already is not checked in a loop.
        checked.into_iter().for_each(|number| entries.check(number));
        result(&mut entries)
    }
}

impl Entries {
    /// Returns the number of jobs that are kept.
    fn count(&self) -> usize {
        self.unfinished.len() + self.completed.len()
    }

    fn insert(&mut self, number: u64, job: Arc<Job>) {
        self.accepted = self.accepted.max(number.saturating_add(1));
        self.bytes += job.received.size();
        self.numbers.insert(job.id.clone(), number);
        let due = job.ends_from();
        self.due.extend(due.map(|at| (at, number)));
        self.unfinished.insert(number, Unfinished { job, due });
    }

    /// Removes the records of a completed job, but for its bill.
    fn forget(&mut self, job: &Job, sink: &Sink) {
        let endpoint = job.endpoint_id();
        let billed = self.forgotten.entry(endpoint.to_owned()).or_default();
        if let Some(bill) = job.bill() {
            billed.add(&bill);
        }
        sink.put(Kind::Billed, endpoint, || billed.save());
        for kind in [Kind::Job, Kind::Progress, Kind::Webhook] {
            sink.delete(kind, &job.id);
        }
    }

    /// Moves a job to the completed ones, with its bill, or else sets the time of its next check.
    fn check(&mut self, number: u64) {
        let Some(Unfinished { job, due }) = self.unfinished.get_mut(&number) else {
            return;
        };
        // A job that was changed is checked before it is due.
        if let Some(at) = due.take() {
            self.due.remove(&(at, number));
        }
        let Some(bill) = job.bill() else {
            *due = job.ends_from();
            self.due.extend(due.map(|at| (at, number)));
            return;
        };
        self.billed.entry(job.endpoint.document.id.clone()).or_default().add(&bill);
        if let Some(Unfinished { job, .. }) = self.unfinished.remove(&number) {
            self.completed.insert(number, job);
        }
    }
}
