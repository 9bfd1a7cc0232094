//! The times of the attempts to deliver a webhook (fal's documentation of webhooks).

use std::time::Duration;

/// Maximum number of retries (fal's documentation of webhooks).
pub const MAX_RETRIES: usize = 31;

/// The bytes from which fal keeps a result for a shorter time.
const LARGE_RESULT: usize = 10 << 10;

/// Returns the time limit of an attempt (fal's documentation of webhooks). `failed` is the number of attempts before it.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(fal_emulator::webhook::timeout(0), Duration::from_secs(15));
/// ```
pub fn timeout(failed: usize) -> Duration {
    Duration::from_secs(if failed == 0 { 15 } else { 120 })
}

/// Returns the time between a failed attempt and the next one. `failed` is the number of failed attempts so far.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(fal_emulator::webhook::delay(1), Duration::from_secs(5));
/// ```
///
/// fal's growth of the delay is not documented. Here it doubles from 5 s to 2 minutes, so that 31 retries fit into an hour.
pub fn delay(failed: usize) -> Duration {
    let doublings = u32::try_from(failed.saturating_sub(1)).unwrap_or(u32::MAX).min(8);
    Duration::from_secs((5 << doublings).min(120))
}

/// Returns true if an attempt may follow, `after` the completion of the request.
pub(crate) fn continues(failed: usize, after: Duration, result: usize) -> bool {
    failed <= MAX_RETRIES && after < kept(result)
}

/// Returns the time for which the queue keeps a result of a number of bytes.
pub(crate) fn kept(result: usize) -> Duration {
    Duration::from_secs(if result >= LARGE_RESULT { 6 * 60 } else { 3600 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_fit_into_an_hour() {
        let mut after = Duration::ZERO;
        let mut failed = 1;
        while continues(failed, after + delay(failed), 100) {
            after += delay(failed);
            failed += 1;
        }
        assert_eq!(failed, 32, "one attempt and 31 retries");
        assert!(after > Duration::from_secs(50 * 60) && after < Duration::from_secs(3600), "{after:?}");
        assert!(!continues(1, Duration::from_secs(360), 10 << 10));
        assert!(continues(1, Duration::from_secs(359), 10 << 10));
        assert_eq!((timeout(0), timeout(1), timeout(30)), (secs(15), secs(120), secs(120)));
        assert_eq!(
            (delay(1), delay(2), delay(5), delay(6), delay(500)),
            (secs(5), secs(10), secs(80), secs(120), secs(120))
        );
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
