use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::Error;

/// Counts the bytes of a transfer, which connections take in tasks of their own.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: AtomicU64,
    moved: Notify,
}

impl Meter {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts from 0 again.
    pub(crate) fn restart(&self) {
        self.bytes.store(0, Ordering::Relaxed);
    }

    fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.moved.notify_one();
    }

    /// Works, and calls whenever the number is larger than it ever was: what has to be sent again takes nothing back.
    pub(crate) async fn watch<T>(&self, work: impl Future<Output = T>, mut call: impl FnMut(u64)) -> T {
        let mut work = std::pin::pin!(work);
        let mut reported: Option<u64> = None;
        let mut report = |call: &mut dyn FnMut(u64)| {
            let bytes = self.bytes();
            if reported.is_none_or(|reported| bytes > reported) {
                reported = Some(bytes);
                call(bytes);
            }
        };
        loop {
            let moved = std::pin::pin!(self.moved.notified());
            match select(work.as_mut(), moved).await {
                Either::Left((done, _)) => {
                    report(&mut call);
                    return done;
                }
                Either::Right(_) => report(&mut call),
            }
        }
    }
}

/// What one attempt has of a transfer, for the connection that takes it.
#[derive(Debug)]
pub(super) struct AttemptMeter {
    whole: Arc<Meter>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bytes: u64,
    /// When the last of them was taken, or the attempt began.
    moved: Instant,
    error: Option<Error>,
    /// The attempt is over: what its connection still takes does not count.
    over: bool,
}

impl AttemptMeter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes were taken, and when the last of them was, or the attempt began.
    pub(super) fn so_far(&self) -> (u64, Instant) {
        let state = self.state();
        (state.bytes, state.moved)
    }

    pub(super) fn take(&self, bytes: usize) {
        let mut state = self.state();
        if !state.over {
            state.bytes += bytes as u64;
            state.moved = Instant::now();
            self.whole.add(bytes as u64);
        }
    }

    /// What went wrong on this side of the connection.
    pub(super) fn fail(&self, error: Error) {
        self.state().error = Some(error);
    }
}

/// One attempt of a transfer. What was counted is taken back when it is dropped, unless it was kept.
#[derive(Debug)]
pub(super) struct MeteredAttempt(pub(super) Arc<AttemptMeter>);

impl MeteredAttempt {
    pub(super) fn new(whole: &Arc<Meter>) -> Self {
        let state = State { bytes: 0, moved: Instant::now(), error: None, over: false };
        MeteredAttempt(Arc::new(AttemptMeter { whole: Arc::clone(whole), state: Mutex::new(state) }))
    }

    /// The attempt was good.
    pub(super) fn keep(self) {
        self.0.state().over = true;
    }

    /// The error of this side, if that is why the attempt failed.
    pub(super) fn own_error(&self) -> Option<Error> {
        self.0.state().error.take()
    }
}

impl Drop for MeteredAttempt {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if !state.over {
            state.over = true;
            self.0.whole.bytes.fetch_sub(state.bytes, Ordering::Relaxed);
        }
    }
}
