use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::platform::billed::Billed;
use crate::queue::accepted_job::AcceptedJob;
use crate::queue::job::{Job, Phase};
use crate::request::journal::MAX_BYTES;
use crate::response::exceeded::Exceeded;
use crate::sync::lock;

/// The jobs of an emulator, by request id, and the totals of all jobs that there ever were.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// The most jobs that are kept.
    max: usize,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_id: HashMap<String, Arc<Job>>,
    /// Oldest first.
    order: VecDeque<Entry>,
    bytes: usize,
    /// The number of jobs that were accepted.
    accepted: u64,
    /// The bills of completed jobs, by endpoint id.
    billed: HashMap<String, Billed>,
}

#[derive(Debug)]
struct Entry {
    job: Arc<Job>,
    /// The bill is in the totals.
    is_settled: bool,
}

impl Jobs {
    pub(crate) fn new(max: usize) -> Self {
        Jobs { max, entries: Mutex::default() }
    }

    /// Adds a job, and removes the oldest completed jobs if the limits are exceeded. Fails if no job is completed.
    pub(crate) fn add(&self, job: Arc<Job>) -> Result<(), Exceeded> {
        let mut jobs = lock(&self.entries);
        let exceeded = if jobs.order.len() >= self.max {
            Some(Exceeded { max: self.max, of: "unfinished jobs" })
        } else {
            (jobs.bytes > MAX_BYTES).then_some(Exceeded { max: MAX_BYTES >> 20, of: "MiB of unfinished jobs" })
        };
        if let Some(exceeded) = exceeded
            && jobs.order.iter().all(|entry| entry.job.now().phase != Phase::Completed)
        {
            return Err(exceeded);
        }
        jobs.bytes += job.received.size();
        jobs.accepted += 1;
        jobs.by_id.insert(job.id.clone(), Arc::clone(&job));
        jobs.order.push_back(Entry { job, is_settled: false });
        while jobs.order.len() > self.max || (jobs.bytes > MAX_BYTES && jobs.order.len() > 1) {
            let completed = jobs.order.iter().position(|entry| entry.job.now().phase == Phase::Completed);
            let Some(mut oldest) = completed.and_then(|index| jobs.order.remove(index)) else {
                break;
            };
            oldest.settle(&mut jobs.billed);
            jobs.by_id.remove(&oldest.job.id);
            jobs.bytes -= oldest.job.received.size();
        }
        Ok(())
    }

    /// Returns the number of jobs that were accepted, even if they are no longer kept.
    pub(crate) fn accepted(&self) -> u64 {
        lock(&self.entries).accepted
    }

    /// Returns what all completed jobs were billed.
    pub(crate) fn billed(&self) -> Billed {
        let mut total = Billed::default();
        lock(&self.entries).settled().values().for_each(|billed| total.merge(billed));
        total
    }

    /// Returns what the completed jobs of an endpoint were billed.
    pub(crate) fn billed_of(&self, endpoint: &str) -> Billed {
        lock(&self.entries).settled().get(endpoint).copied().unwrap_or_default()
    }

    /// Returns the jobs that are kept, oldest first.
    pub(crate) fn kept(&self) -> Vec<Arc<Job>> {
        lock(&self.entries).order.iter().map(|entry| Arc::clone(&entry.job)).collect()
    }

    pub(crate) fn get(&self, request_id: &str) -> Option<Arc<Job>> {
        lock(&self.entries).by_id.get(request_id).cloned()
    }

    /// Returns all jobs, oldest first.
    pub(crate) fn all(&self) -> Vec<AcceptedJob> {
        self.kept().into_iter().map(AcceptedJob).collect()
    }

    /// Returns the number of an endpoint's jobs that wait in the queue.
    pub(crate) fn waiting(&self, endpoint: &str) -> u64 {
        let jobs = lock(&self.entries);
        let of_endpoint = jobs.order.iter().map(|entry| &entry.job).filter(|job| job.endpoint.document.id == endpoint);
        of_endpoint.filter(|job| matches!(job.now().phase, Phase::Queued { .. })).count() as u64
    }
}

impl Entries {
    /// Returns the totals, with the jobs that were completed by now.
    fn settled(&mut self) -> &HashMap<String, Billed> {
        self.order.iter_mut().for_each(|entry| entry.settle(&mut self.billed));
        &self.billed
    }
}

impl Entry {
    /// Adds the bill of a completed job to the totals, once.
    fn settle(&mut self, billed: &mut HashMap<String, Billed>) {
        if let Some(bill) = Some(&self.job).filter(|_| !self.is_settled).and_then(|job| job.bill()) {
            billed.entry(self.job.endpoint.document.id.clone()).or_default().add(&bill);
            self.is_settled = true;
        }
    }
}
