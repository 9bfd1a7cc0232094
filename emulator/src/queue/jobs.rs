use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::queue::accepted_job::AcceptedJob;
use crate::queue::job::{Job, Phase};
use crate::request::journal::{MAX_BYTES, MAX_REQUESTS};
use crate::response::exceeded::Exceeded;
use crate::sync::lock;

/// The jobs of an emulator, by request id.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    by_id: HashMap<String, Arc<Job>>,
    /// Oldest first.
    order: VecDeque<Arc<Job>>,
    bytes: usize,
}

impl Jobs {
    /// Adds a job, and removes the oldest completed jobs if the limits are exceeded. Fails if no job is completed.
    pub(crate) fn add(&self, job: Arc<Job>) -> Result<(), Exceeded> {
        let mut jobs = lock(&self.0);
        let exceeded = if jobs.order.len() >= MAX_REQUESTS {
            Some(Exceeded { max: MAX_REQUESTS, of: "unfinished jobs" })
        } else {
            (jobs.bytes > MAX_BYTES).then_some(Exceeded { max: MAX_BYTES >> 20, of: "MiB of unfinished jobs" })
        };
        if let Some(exceeded) = exceeded
            && jobs.order.iter().all(|job| job.now().phase != Phase::Completed)
        {
            return Err(exceeded);
        }
        jobs.bytes += job.received.size();
        jobs.by_id.insert(job.id.clone(), Arc::clone(&job));
        jobs.order.push_back(job);
        while jobs.order.len() > MAX_REQUESTS || (jobs.bytes > MAX_BYTES && jobs.order.len() > 1) {
            let completed = jobs.order.iter().position(|job| job.now().phase == Phase::Completed);
            let Some(oldest) = completed.and_then(|index| jobs.order.remove(index)) else {
                break;
            };
            jobs.by_id.remove(&oldest.id);
            jobs.bytes -= oldest.received.size();
        }
        Ok(())
    }

    pub(crate) fn get(&self, request_id: &str) -> Option<Arc<Job>> {
        lock(&self.0).by_id.get(request_id).cloned()
    }

    /// Returns all jobs, oldest first.
    pub(crate) fn all(&self) -> Vec<AcceptedJob> {
        lock(&self.0).order.iter().map(|job| AcceptedJob(Arc::clone(job))).collect()
    }

    /// Returns the number of an endpoint's jobs that wait in the queue.
    pub(crate) fn waiting(&self, endpoint: &str) -> u64 {
        let jobs = lock(&self.0);
        let of_endpoint = jobs.order.iter().filter(|job| job.endpoint.document.id == endpoint);
        of_endpoint.filter(|job| matches!(job.now().phase, Phase::Queued { .. })).count() as u64
    }
}
