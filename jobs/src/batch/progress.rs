use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fal_client::money::Cost;
use tokio::time::Instant;

use crate::amount::to_cost;

/// The time over which the rate is an average.
const WINDOW: Duration = Duration::from_secs(30);

/// The steps of the window.
const STEP: Duration = Duration::from_millis(500);

/// The progress of a batch, which can be read at any time. Clones read the same batch.
#[derive(Clone)]
pub struct Progress {
    counters: Arc<Mutex<Counters>>,
}

/// The progress of a batch at one time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The number of completed items, including those whose result was recorded earlier.
    pub done: u64,
    /// The number of failed items, including uncertain ones.
    pub failed: u64,
    /// The number of items in work.
    pub running: u64,
    /// The number of items that the batch did not start because it has stopped, and of those that the budget refused.
    pub not_started: u64,
    /// The number of all items. `None` if the source is a stream.
    pub total: Option<u64>,
    /// The [cost](crate::Record::cost) of the completed items, as far as it is known.
    pub spent: Cost,
    /// Finished items per second, during the last 30 seconds.
    pub rate: f64,
    /// The remaining time at this rate. `None` if the total is unknown, or nothing has finished during the last 30 seconds.
    pub remaining: Option<Duration>,
}

#[derive(Debug)]
struct Counters {
    began: Instant,
    done: u64,
    failed: u64,
    running: u64,
    not_started: u64,
    total: Option<u64>,
    spent: i64,
    /// The number of finished items by step, oldest first.
    recent: VecDeque<(Instant, u64)>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let counters = Counters {
            began: Instant::now(),
            done: 0,
            failed: 0,
            running: 0,
            not_started: 0,
            total: None,
            spent: 0,
            recent: VecDeque::new(),
        };
        Progress { counters: Arc::new(Mutex::new(counters)) }
    }

    /// Returns the progress at present.
    pub fn snapshot(&self) -> Snapshot {
        let counters = self.lock();
        let now = Instant::now();
        let finished: u64 = counters.recent.iter().filter(|(at, _)| *at + WINDOW > now).map(|(_, count)| count).sum();
        let time = now.duration_since(counters.began).clamp(STEP, WINDOW);
        let rate = finished as f64 / time.as_secs_f64();
        let Counters { done, failed, running, not_started, total, spent, .. } = *counters;
        let left = total.map(|total| total.saturating_sub(done + failed + not_started));
        let remaining = match left {
            Some(0) => Some(Duration::ZERO),
            Some(left) => Duration::try_from_secs_f64(left as f64 / rate).ok(),
            None => None,
        };
        Snapshot { done, failed, running, not_started, total, spent: to_cost(spent), rate, remaining }
    }

    pub(super) fn begin(&self, total: Option<u64>) {
        let mut counters = self.lock();
        (counters.began, counters.total) = (Instant::now(), total);
    }

    pub(super) fn started(&self) {
        self.lock().running += 1;
    }

    pub(super) fn done(&self, cost: i64) {
        let mut counters = self.lock();
        counters.running = counters.running.saturating_sub(1);
        counters.done += 1;
        counters.spent = counters.spent.saturating_add(cost);
        counters.count_recent();
    }

    /// Counts a failed item, which may have failed before it was started.
    pub(super) fn failed(&self, was_started: bool) {
        let mut counters = self.lock();
        counters.running = counters.running.saturating_sub(was_started.into());
        counters.failed += 1;
        counters.count_recent();
    }

    pub(super) fn not_started(&self) {
        self.lock().not_started += 1;
    }

    /// Counts an item in work that the budget refused, so that it was not sent.
    pub(super) fn refused(&self) {
        let mut counters = self.lock();
        counters.running = counters.running.saturating_sub(1);
        counters.not_started += 1;
    }

    /// Counts the items after those that were taken, if their number is known.
    pub(super) fn rest_not_started(&self, taken: u64) {
        let mut counters = self.lock();
        counters.not_started += counters.total.map_or(0, |total| total.saturating_sub(taken));
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    fn count_recent(&mut self) {
        let now = Instant::now();
        while self.recent.front().is_some_and(|(at, _)| *at + WINDOW <= now) {
            self.recent.pop_front();
        }
        match self.recent.back_mut() {
            Some((at, count)) if *at + STEP > now => *count += 1,
            _ => self.recent.push_back((now, 1)),
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.snapshot()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rate_is_that_of_the_last_thirty_seconds() {
        let progress = Progress::new();
        progress.begin(Some(400));
        assert_eq!((progress.snapshot().rate, progress.snapshot().remaining), (0.0, None));
        for _ in 0..100 {
            progress.started();
            tokio::time::advance(Duration::from_millis(100)).await;
            progress.done(5);
        }
        let snapshot = progress.snapshot();
        assert_eq!((snapshot.done, snapshot.running, snapshot.rate), (100, 0, 10.0));
        assert_eq!(snapshot.remaining, Some(Duration::from_secs(30)));
        assert_eq!(snapshot.spent, to_cost(500));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(progress.snapshot().rate, 5.0);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!((progress.snapshot().rate, progress.snapshot().remaining), (0.0, None));
        for _ in 0..300 {
            progress.failed(false);
        }
        assert_eq!(progress.snapshot().remaining, Some(Duration::ZERO));
        assert!(progress.lock().recent.len() <= 61);
    }
}
