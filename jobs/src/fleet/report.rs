use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::record::Record;
use crate::state::State;

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

impl fmt::Display for WorkerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} completed, {} failed, {} uncertain", self.completed, self.failed, self.uncertain)
    }
}

/// A callback for finished jobs.
pub(super) type OnFinished = Option<Box<dyn FnMut(&Record) + Send>>;

/// Counts and reports finished jobs.
pub(super) struct Reporter(Mutex<(WorkerReport, OnFinished)>);

impl Reporter {
    pub(super) fn new(on_finished: OnFinished) -> Self {
        Reporter(Mutex::new((WorkerReport::default(), on_finished)))
    }

    pub(super) fn finished(&self, record: &Record) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    pub(super) fn report(&self) -> WorkerReport {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}
