use std::sync::Arc;

use crate::queue::job::Job;

/// A direct run whose client is connected. Dropping this before the run has ended means that the client is gone.
pub(super) struct Connected(pub(super) Arc<Job>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.disconnect();
    }
}
