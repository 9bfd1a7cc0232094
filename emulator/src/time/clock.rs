use std::future::pending;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The longest time by which the clock can be advanced: a century. Dates would overflow otherwise.
pub(crate) const MAX_ADVANCE: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The clock of an emulator: the system's time plus the time by which a test has advanced it. All waiting uses this
/// clock, so that advancing it ends the wait.
#[derive(Debug)]
pub(crate) struct Clock {
    ahead: watch::Sender<Duration>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { ahead: watch::Sender::new(Duration::ZERO) }
    }
}

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        Instant::now() + *self.ahead.borrow()
    }

    /// Returns the current date and time.
    pub(crate) fn date(&self) -> SystemTime {
        SystemTime::now() + *self.ahead.borrow()
    }

    /// Returns the instant of a date: now for one in the future, and the earliest instant that there can be for one before that.
    #[cfg(feature = "state")]
    pub(crate) fn instant(&self, date: SystemTime) -> Instant {
        let (now, age) = (self.now(), self.date().duration_since(date).unwrap_or_default());
        // The system counts instants from its start.
        (0..64).find_map(|halvings| now.checked_sub(age / 2_u32.checked_pow(halvings)?)).unwrap_or(now)
    }

    /// Advances the clock, by a century in total at most.
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead.send_modify(|ahead| *ahead = ahead.saturating_add(by).min(MAX_ADVANCE));
    }

    /// Returns the time by which the clock was advanced.
    pub(crate) fn ahead(&self) -> Duration {
        *self.ahead.borrow()
    }

    pub(crate) async fn sleep(&self, time: Duration) {
        self.sleep_since(self.now(), time).await;
    }

    /// Sleeps until a time has passed since `start`. A time beyond the clock's range never passes.
    pub(crate) async fn sleep_since(&self, start: Instant, time: Duration) {
        match start.checked_add(time) {
            Some(instant) => self.sleep_until(instant).await,
            None => pending().await,
        }
    }

    pub(crate) async fn sleep_until(&self, instant: Instant) {
        // tokio's timer counts milliseconds, and takes one for a time that has come.
        if instant <= self.now() {
            return;
        }
        let mut ahead = self.ahead.subscribe();
        loop {
            let moved = *ahead.borrow_and_update();
            let Some(instant) = instant.checked_sub(moved) else {
                return;
            };
            tokio::select! {
                () = sleep_until(instant) => return,
                _ = ahead.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn sleep_ends_when_the_clock_is_advanced() {
        let clock = Clock::default();
        let hour = Duration::from_secs(3600);
        let mut two_hours = pin!(clock.sleep(2 * hour));
        assert!((&mut two_hours).now_or_never().is_none());
        clock.advance(hour);
        assert!((&mut two_hours).now_or_never().is_none());
        clock.advance(hour);
        two_hours.await;
    }

    #[tokio::test]
    async fn extreme_durations_are_accepted() {
        let clock = Clock::default();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.date() > SystemTime::now() + MAX_ADVANCE / 2);
        assert!(clock.sleep(Duration::MAX).now_or_never().is_none());
        assert!(clock.sleep_since(clock.now(), Duration::MAX).now_or_never().is_none());
        clock.sleep(Duration::ZERO).await;
    }
}
