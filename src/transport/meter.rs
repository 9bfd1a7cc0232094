//! Progress of uploads: bytes are counted for each attempt, and taken back if the attempt fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::Error;

/// Counts the bytes of a transfer. Connections report them from their own tasks.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: AtomicU64,
    moved: Notify,
}

impl Meter {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Resets the count to 0.
    pub(crate) fn restart(&self) {
        self.bytes.store(0, Ordering::Relaxed);
    }

    fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.moved.notify_one();
    }

    /// Runs `work`, and calls `on_progress` whenever the count exceeds its previous maximum. The reported count never
    /// decreases, even if bytes have to be sent again.
    pub(crate) async fn watch<T>(&self, work: impl Future<Output = T>, mut on_progress: impl FnMut(u64)) -> T {
        let mut work = std::pin::pin!(work);
        let mut reported: Option<u64> = None;
        let mut report = |on_progress: &mut dyn FnMut(u64)| {
            let bytes = self.bytes();
            if reported.is_none_or(|reported| bytes > reported) {
                reported = Some(bytes);
                on_progress(bytes);
            }
        };
        loop {
            let moved = std::pin::pin!(self.moved.notified());
            match select(work.as_mut(), moved).await {
                Either::Left((done, _)) => {
                    report(&mut on_progress);
                    return done;
                }
                Either::Right(_) => report(&mut on_progress),
            }
        }
    }
}

/// The byte count and state of one attempt, shared with its connection.
#[derive(Debug)]
pub(super) struct AttemptMeter {
    whole: Arc<Meter>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bytes: u64,
    /// When the last byte was taken, or else when the attempt started.
    moved: Instant,
    error: Option<Error>,
    /// Set when the attempt has ended. Bytes that its connection takes afterwards do not count.
    ended: bool,
}

impl AttemptMeter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the bytes taken, and when the last of them was taken or the attempt started.
    pub(super) fn progress(&self) -> (u64, Instant) {
        let state = self.state();
        (state.bytes, state.moved)
    }

    pub(super) fn take(&self, bytes: usize) {
        let mut state = self.state();
        if !state.ended {
            state.bytes += bytes as u64;
            state.moved = Instant::now();
            self.whole.add(bytes as u64);
        }
    }

    /// Records a local error, such as an unreadable file.
    pub(super) fn fail(&self, error: Error) {
        self.state().error = Some(error);
    }
}

/// One attempt of a transfer. Dropping it subtracts its bytes from the transfer's count, unless it was kept.
#[derive(Debug)]
pub(super) struct MeteredAttempt(pub(super) Arc<AttemptMeter>);

impl MeteredAttempt {
    pub(super) fn new(whole: &Arc<Meter>) -> Self {
        let state = State { bytes: 0, moved: Instant::now(), error: None, ended: false };
        MeteredAttempt(Arc::new(AttemptMeter { whole: Arc::clone(whole), state: Mutex::new(state) }))
    }

    /// Ends a successful attempt, whose bytes stay counted.
    pub(super) fn keep(self) {
        self.0.state().ended = true;
    }

    /// Takes the local error, if that is why the attempt failed.
    pub(super) fn take_local_error(&self) -> Option<Error> {
        self.0.state().error.take()
    }
}

impl Drop for MeteredAttempt {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if !state.ended {
            state.ended = true;
            self.0.whole.bytes.fetch_sub(state.bytes, Ordering::Relaxed);
        }
    }
}
