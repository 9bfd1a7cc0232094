use std::fmt;
use std::sync::Arc;

use crate::queue::accepted_job::AcceptedJob;
use crate::queue::gate::Gate;
use crate::state::State;

/// Holds the jobs of an endpoint, until this value is dropped or [released](Self::release). See
/// [`Emulator::hold`](crate::Emulator::hold).
#[must_use = "the jobs are released when this value is dropped"]
pub struct Hold {
    pub(crate) state: Arc<State>,
    pub(crate) gate: Arc<Gate>,
}

impl Hold {
    /// Waits until `count` jobs arrived, and returns all that did, oldest first. Never returns if fewer arrive: a test can limit
    /// the time with `tokio::time::timeout`.
    pub async fn wait_for(&self, count: usize) -> Vec<AcceptedJob> {
        self.gate.wait_for(count).await;
        self.jobs()
    }

    /// Returns the jobs that arrived, oldest first.
    pub fn jobs(&self) -> Vec<AcceptedJob> {
        self.gate.arrived().into_iter().map(AcceptedJob).collect()
    }

    /// Releases the jobs. Each continues where its [`Pace`](crate::Pace) would have brought it by now.
    pub fn release(self) {}
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.state.gates.open(&self.gate, self.state.clock.now());
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("jobs", &self.jobs()).finish_non_exhaustive()
    }
}
