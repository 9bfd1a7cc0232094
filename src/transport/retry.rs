//! The retry policy: which failed requests are sent again, and after which delay.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use http::StatusCode;

use super::request::Operation;
use crate::error::{Error, ErrorKind};

/// Maximum delay. Durations beyond the clock's range would overflow.
const MAX_DELAY: Duration = Duration::from_secs(86_400);

/// Maximum delay accepted from `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// The number of attempts of a request, and the delays between them.
///
/// ```
/// use std::time::Duration;
/// use fal_client::{Client, RetryPolicy};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let patient = RetryPolicy::default().max_attempts(10).first_delay(Duration::from_secs(1));
/// let client = Client::builder().key("id:secret").retry(patient).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
///
/// Billable requests are never sent twice. What is retried depends on the request:
///
/// - Runs and submissions: if no connection was established, or after status 429.
/// - Status, result and cancel requests: also after a lost connection or a timeout, and after status 502, 503 or 504.
/// - Uploads and downloads: also after status 408 or 500. The parts of a large upload are retried independently.
///
/// `Retry-After` replaces the computed delay. If it exceeds two minutes, the request fails immediately. `subscribe` and
/// `wait` keep polling for longer: see [`patience`](Self::patience).
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    first_delay: Duration,
    max_delay: Duration,
    jitter: f64,
    pub(crate) patience: Duration,
}

impl Default for RetryPolicy {
    /// Five attempts. Delays start at 0.5 s and double up to 15 s, with a jitter of 0.25. The patience is 5 minutes.
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 5,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(15),
            jitter: 0.25,
            patience: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// Disables retries. If no connection to fal can be established, its backup host is still tried.
    pub fn none() -> Self {
        RetryPolicy::default().max_attempts(1).patience(Duration::ZERO)
    }

    /// Sets the maximum number of attempts, including the first. Default: 5. Minimum: 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the delay after the first failed attempt. It doubles with each further attempt. Default: 0.5 s.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// Sets the maximum delay, except for delays from `Retry-After`. Default: 15 s. Maximum: 24 hours.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the fraction by which each delay varies randomly. Clients that failed together then do not retry together.
    /// Default: 0.25. Range: 0 to 1.
    pub fn jitter(mut self, fraction: f64) -> Self {
        self.jitter = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        self
    }

    /// Sets how long `subscribe` and `wait` keep polling a request while fal is unreachable, because the request may
    /// still be running. The same time applies to fetching the result. Default: 5 minutes.
    ///
    /// Other calls end with the last attempt.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the delay before the next attempt, or `None` if the request is not retried.
    pub(crate) fn delay_before_retry(&self, operation: Operation, failed: u32, error: &Error) -> Option<Duration> {
        if failed >= self.max_attempts || !may_retry(operation, error) {
            return None;
        }
        match error.response().and_then(|response| response.retry_after()) {
            // The caller decides about longer delays.
            Some(delay) => (delay <= MAX_RETRY_AFTER).then_some(delay),
            None => Some(self.backoff(failed)),
        }
    }

    /// Returns the delay after `failed` attempts.
    pub(crate) fn backoff(&self, failed: u32) -> Duration {
        self.backoff_by(failed, random_fraction())
    }

    fn backoff_by(&self, failed: u32, random_fraction: f64) -> Duration {
        let doubled = self.first_delay.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1).min(31)));
        let delay = doubled.min(self.max_delay).min(MAX_DELAY);
        delay.mul_f64(1.0 + self.jitter * (2.0 * random_fraction - 1.0))
    }
}

/// Varies a delay randomly by up to 25 %.
pub(crate) fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(0.75 + 0.5 * random_fraction())
}

/// Returns true if the request can be sent again without the risk of being billed twice.
fn may_retry(operation: Operation, error: &Error) -> bool {
    // The follower opens another stream itself, or polls.
    if operation == Operation::StatusStream {
        return false;
    }
    let billable = matches!(operation, Operation::Run | Operation::Submit { .. });
    match error.kind() {
        ErrorKind::Connect => true,
        ErrorKind::Transport | ErrorKind::Timeout => !billable,
        ErrorKind::Service => match error.status() {
            // The caller asked to be rejected by a full queue.
            Some(StatusCode::TOO_MANY_REQUESTS) => {
                error.is_retryable() && operation != Operation::Submit { bounded: true }
            }
            // The caller's start timeout expired, which a retry cannot change.
            Some(_) if error.is_start_timeout() => false,
            Some(status) if !billable && matches!(status.as_u16(), 502..=504) => {
                // With a request id, the status is the model's own failure, which is final.
                operation != Operation::Result
                    || error.response().is_none_or(|response| response.request_id().is_none())
            }
            Some(StatusCode::INTERNAL_SERVER_ERROR) => operation == Operation::Status || is_about_files(operation),
            Some(StatusCode::REQUEST_TIMEOUT) => is_about_files(operation),
            _ => false,
        },
        _ => false,
    }
}

fn is_about_files(operation: Operation) -> bool {
    matches!(operation, Operation::Storage(_))
}

/// Returns a random number from 0 (inclusive) to 1 (exclusive).
fn random_fraction() -> f64 {
    (random() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Returns a random number. The seed of the standard library's hashers is good enough for a delay or a file name.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum() {
        let policy = RetryPolicy::default().first_delay(Duration::from_secs(1)).max_delay(Duration::from_secs(5));
        let delays: Vec<u64> = [1, 2, 3, 4, 40].map(|failed| policy.backoff_by(failed, 0.5).as_secs()).to_vec();
        assert_eq!(delays, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn jitter_stays_within_its_fraction() {
        let policy = RetryPolicy::default().first_delay(Duration::from_secs(2)).jitter(0.25);
        assert_eq!(policy.backoff_by(1, 0.0), Duration::from_millis(1500));
        assert_eq!(policy.backoff_by(1, 1.0), Duration::from_millis(2500));
        assert!((0..1000).map(|_| random_fraction()).all(|random_fraction| (0.0..1.0).contains(&random_fraction)));
    }

    #[test]
    fn extreme_delays_are_capped() {
        let policy = RetryPolicy::default().first_delay(Duration::MAX).max_delay(Duration::MAX).jitter(1.0);
        assert_eq!(policy.backoff_by(u32::MAX, 1.0), 2 * MAX_DELAY);
    }

    #[test]
    fn none_retries_nothing() {
        let error = Error::new(ErrorKind::Connect, "no");
        assert_eq!(RetryPolicy::none().delay_before_retry(Operation::Status, 1, &error), None);
        assert!(RetryPolicy::default().delay_before_retry(Operation::Run, 1, &error).is_some());
    }
}
