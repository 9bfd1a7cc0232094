use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::Instant;

use super::descriptors::descriptor_limit;

/// Default number of streams where more could be too many: where the limit of descriptors is unknown, through a proxy, which
/// has limits of its own, and with a custom HTTP client. HTTP/2 shares a connection among about as many streams.
const CAUTIOUS: usize = 100;

/// Maximum of the default. A host has some ten thousand ports for its connections, which its programs share.
const MAX_BY_DEFAULT: usize = 1_000;

/// The time for which a client polls after a status stream was silent. A proxy that holds events back does so for every
/// stream.
const POLLING_AFTER_SILENCE: Duration = Duration::from_secs(300);

/// Decides whether a client opens another status stream.
///
/// Each stream keeps a connection open until its request ends, and a process may open only some connections.
#[derive(Debug)]
pub(crate) struct Streams {
    /// One permit for each stream that may be open. Closed if the client opens no streams.
    permits: Arc<Semaphore>,
    seen: Mutex<Seen>,
}

/// The latest signs of whether events arrive.
#[derive(Debug, Default)]
struct Seen {
    status: Option<Instant>,
    silence: Option<Instant>,
}

/// The place of a request among the open streams of its client.
pub(crate) enum Place {
    /// A stream may be open while the permit is held.
    Held { _permit: OwnedSemaphorePermit },
    /// All places are taken. The future returns the next free one. The longest wait ends first, and each place that becomes
    /// free wakes one request.
    Awaited(BoxFuture<'static, Option<OwnedSemaphorePermit>>),
}

impl Streams {
    /// `max` is the maximum number of open streams, or `None` for the default. `is_direct` says that the client has its own
    /// connections to fal.
    pub(crate) fn new(max: Option<usize>, is_direct: bool) -> Self {
        let max = max.unwrap_or_else(|| if is_direct { default_max(descriptor_limit()) } else { CAUTIOUS });
        let permits = Semaphore::new(max.min(Semaphore::MAX_PERMITS));
        if max == 0 {
            permits.close();
        }
        Streams { permits: Arc::new(permits), seen: Mutex::default() }
    }

    /// Returns a place for a new stream, or a turn in the line for one. `None` if the status should be polled.
    pub(crate) fn place(&self) -> Option<Place> {
        if self.are_silent() {
            return None;
        }
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => Some(Place::Held { _permit: permit }),
            Err(TryAcquireError::NoPermits) => {
                let turn = Arc::clone(&self.permits).acquire_owned();
                Some(Place::Awaited(turn.map(Result::ok).boxed()))
            }
            Err(TryAcquireError::Closed) => None,
        }
    }

    /// Returns true if a stream was silent lately, so that no other one should be opened.
    pub(crate) fn are_silent(&self) -> bool {
        self.seen().silence.is_some_and(|silence| silence.elapsed() < POLLING_AFTER_SILENCE)
    }

    /// Records that a stream has delivered a status.
    pub(crate) fn report_status(&self) {
        self.seen().status = Some(Instant::now());
    }

    /// Records that a stream was silent although the service responded to a poll. `since` is the time of its request. One slow
    /// stream in thousands says nothing about the network if another one has delivered a status since then.
    pub(crate) fn report_silence(&self, since: Instant) {
        let mut seen = self.seen();
        if seen.status.is_none_or(|status| status < since) {
            seen.silence = Some(Instant::now());
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves half of the descriptors to the program, and to requests other than streams.
fn default_max(descriptors: Option<usize>) -> usize {
    match descriptors {
        Some(limit) => (limit / 2).clamp(1, MAX_BY_DEFAULT),
        // Windows limits sockets by memory only.
        None if cfg!(windows) => MAX_BY_DEFAULT,
        None => CAUTIOUS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_half_of_the_descriptors() {
        assert_eq!([256, 1024, 65_536].map(|limit| default_max(Some(limit))), [128, 512, 1_000]);
        assert_eq!([0, 1, 2].map(|limit| default_max(Some(limit))), [1, 1, 1]);
        assert_eq!(default_max(None), if cfg!(windows) { 1_000 } else { 100 });
    }
}
