use std::sync::{Arc, Mutex, OnceLock, Weak};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::queue::job::Job;
use crate::random;
use crate::sync::lock;

/// The point at which the jobs of an endpoint wait until they are released.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The name of a gate that is closed over HTTP.
    name: Option<String>,
    endpoint: String,
    pub(crate) stage: Stage,
    /// The time of the release.
    released: OnceLock<Instant>,
    /// The jobs that arrived, oldest first. They refer to the gate.
    jobs: watch::Sender<Vec<Weak<Job>>>,
}

/// The stage in which jobs wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In the queue: the job does not start.
    Queued,
    /// While it runs: the job does not end.
    Running,
}

impl Gate {
    fn new(name: Option<String>, endpoint: String, stage: Stage) -> Self {
        Gate { name, endpoint, stage, released: OnceLock::new(), jobs: watch::Sender::default() }
    }

    /// Returns the time of the release.
    pub(crate) fn released_at(&self) -> Option<Instant> {
        self.released.get().copied()
    }

    /// Adds a job that waits, or will.
    pub(crate) fn arrive(&self, job: &Arc<Job>) {
        self.jobs.send_modify(|jobs| jobs.push(Arc::downgrade(job)));
    }

    /// Returns the jobs that arrived, oldest first.
    pub(crate) fn arrived(&self) -> Vec<Arc<Job>> {
        self.jobs.borrow().iter().filter_map(Weak::upgrade).collect()
    }

    /// Waits until this number of jobs arrived.
    pub(crate) async fn wait_for(&self, count: usize) {
        // The sender lives as long as the gate, so this never fails.
        let _ = self.jobs.subscribe().wait_for(|jobs| jobs.len() >= count).await;
    }

    fn release(&self, now: Instant) {
        let _ = self.released.set(now);
        self.arrived().iter().for_each(|job| job.wake());
    }
}

/// The gates that are closed.
#[derive(Debug, Default)]
pub(crate) struct Gates(Mutex<Vec<Arc<Gate>>>);

impl Gates {
    /// Closes a gate for the jobs of an endpoint that are accepted from now on.
    pub(crate) fn close(&self, endpoint: String, stage: Stage) -> Arc<Gate> {
        let gate = Arc::new(Gate::new(None, endpoint, stage));
        lock(&self.0).push(Arc::clone(&gate));
        gate
    }

    /// Closes a gate that nothing refers to, and returns its name.
    pub(crate) fn close_named(&self, endpoint: String, stage: Stage) -> String {
        let name = random::name();
        lock(&self.0).push(Arc::new(Gate::new(Some(name.clone()), endpoint, stage)));
        name
    }

    /// Returns a gate that is closed.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Gate>> {
        lock(&self.0).iter().find(|gate| gate.name.as_deref() == Some(name)).cloned()
    }

    /// Releases the jobs that wait at a gate, and removes it.
    pub(crate) fn open(&self, gate: &Arc<Gate>, now: Instant) {
        lock(&self.0).retain(|other| !Arc::ptr_eq(other, gate));
        gate.release(now);
    }

    /// Returns the gates for a new job of an endpoint.
    pub(crate) fn of(&self, endpoint: &str) -> Vec<Arc<Gate>> {
        lock(&self.0).iter().filter(|gate| gate.endpoint == endpoint).cloned().collect()
    }
}
