use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Maximum number of concurrent status streams of a client.
const MAX_STREAMS: usize = 100;

/// The time for which a client polls after a status stream was silent. A proxy that holds events back does so for every
/// stream.
const POLLING_AFTER_SILENCE: Duration = Duration::from_secs(300);

/// Decides whether a client opens another status stream.
///
/// Each stream keeps a connection open until its request ends, and processes often have a limit of some hundred connections.
#[derive(Debug)]
pub(crate) struct Streams {
    permits: Arc<Semaphore>,
    silent: Mutex<Option<Instant>>,
}

impl Default for Streams {
    fn default() -> Self {
        Streams { permits: Arc::new(Semaphore::new(MAX_STREAMS)), silent: Mutex::default() }
    }
}

impl Streams {
    /// Returns a permit to hold while a stream is open. `None` if the status should be polled instead.
    pub(crate) fn permit(&self) -> Option<OwnedSemaphorePermit> {
        let silent = *self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        if silent.is_some_and(|silent| silent.elapsed() < POLLING_AFTER_SILENCE) {
            return None;
        }
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// Records that a stream was silent although the service responded to a poll.
    pub(crate) fn report_silence(&self) {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}
