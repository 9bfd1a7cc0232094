//! The retry policy: which failed requests are sent again, and after which delay.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::request::Operation;
use super::verdict::{Verdict, verdict};
use crate::error::Error;

/// Maximum delay. Durations beyond the clock's range would overflow.
const MAX_DELAY: Duration = Duration::from_secs(86_400);

/// Maximum delay accepted from `Retry-After` between the attempts of one call.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// Minimum delay after the first failed attempt, whatever the policy is. Doubles up to [`MAX_MIN_DELAY`].
const MIN_DELAY: Duration = Duration::from_millis(1);
const MAX_MIN_DELAY: Duration = Duration::from_millis(250);

/// Minimum of a shorter `Retry-After` after the first failed attempt. Doubles up to the policy's backoff.
const MIN_RETRY_AFTER: Duration = Duration::from_millis(100);

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
/// By default a request is sent up to 5 times. The delays between the attempts are 0.5 s, 1 s, 2 s and 4 s, each longer or shorter
/// by up to a quarter. `subscribe` and `wait` keep polling for 5 minutes while fal is unreachable.
///
/// Billable requests are never sent twice. What is retried depends on the request:
///
/// - Runs and submissions: if no connection was established, or after status 429 without a request id.
/// - Status, result and cancel requests, uploads, downloads and the platform API: after a lost connection, a timeout, status 408, 425 or 429,
///   and any 5xx. A result that failed with a request id is the model's own failure, which is final. The parts of a large
///   upload are retried independently.
///
/// - None of them: if fal refuses the key or the account is locked.
///
/// The table in `docs/retries.md` has every condition.
///
/// `Retry-After` replaces the computed delay, except that the delay never shrinks to nothing. If it exceeds two minutes, the
/// request fails immediately. `subscribe` and `wait` keep polling for longer: see [`patience`](Self::patience).
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
    /// Disables retries and [`patience`](Self::patience). A single 502 on the status or the result then ends a `subscribe`,
    /// although fal has accepted the request. Its result can still be fetched with the
    /// [request id](crate::Error::request_id).
    ///
    /// If no connection to fal can be established, its backup host is still tried.
    pub fn none() -> Self {
        RetryPolicy::default().max_attempts(1).patience(Duration::ZERO)
    }

    /// Sets the maximum number of attempts, including the first. Default: 5. Minimum: 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the delay after the first failed attempt. It doubles with each further attempt. Default: 0.5 s. Minimum: 1 ms.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// Sets the maximum delay, except for delays from `Retry-After`. Default: 15 s. Maximum: 24 hours. Delays double up to
    /// at least 250 ms, so that an outage never causes a burst of requests.
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
    /// still be running. The same time applies to fetching the result. A `Retry-After` that fits into the rest of this time
    /// is honoured. Default: 5 minutes.
    ///
    /// Each request has its own `max_attempts` first, so a shorter patience does not end a call before these are used up.
    /// Zero turns this off, and with it the second fetch of a result that is not an output.
    ///
    /// Other calls end with the last attempt.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the delay before the next attempt, or `None` if the request is not retried.
    pub(crate) fn delay_before_retry(&self, operation: Operation, failed: u32, error: &Error) -> Option<Duration> {
        // The follower opens another stream itself, or polls.
        let retried = operation != Operation::StatusStream && verdict(operation, error) == Verdict::Transient;
        // The caller decides about longer delays.
        let is_short = retry_after(error).is_none_or(|delay| delay <= MAX_RETRY_AFTER);
        (retried && is_short && failed < self.max_attempts).then(|| self.delay(failed, error))
    }

    /// Returns the delay before a failed request is sent again by a caller who has been waiting for `waited`. Returns
    /// `None` if the failure is final, or if the delay that the service requested exceeds the patience.
    ///
    /// `failed` counts the failures since the last success.
    pub(crate) fn delay_within_patience(
        &self,
        operation: Operation,
        failed: u32,
        waited: Duration,
        error: &Error,
    ) -> Option<Duration> {
        let left = self.patience.checked_sub(waited).filter(|left| !left.is_zero())?;
        let fits = retry_after(error).is_none_or(|delay| delay <= left);
        (verdict(operation, error).passes() && fits).then(|| self.delay(failed, error))
    }

    /// Returns the delay after `failed` attempts. `Retry-After` replaces the backoff, but not down to nothing.
    fn delay(&self, failed: u32, error: &Error) -> Duration {
        let backoff = self.backoff(failed);
        match retry_after(error) {
            Some(delay) => delay.max(backoff.min(doubled(MIN_RETRY_AFTER, failed))),
            None => backoff,
        }
    }

    /// Returns the backoff after `failed` attempts.
    pub(crate) fn backoff(&self, failed: u32) -> Duration {
        self.backoff_by(failed, random_fraction())
    }

    fn backoff_by(&self, failed: u32, random_fraction: f64) -> Duration {
        let delay = doubled(self.first_delay, failed).min(self.max_delay).min(MAX_DELAY);
        let delay = delay.mul_f64(1.0 + self.jitter * (2.0 * random_fraction - 1.0));
        delay.max(doubled(MIN_DELAY, failed).min(MAX_MIN_DELAY))
    }
}

/// Doubles a delay with each failed attempt after the first.
fn doubled(first: Duration, failed: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1).min(31)))
}

fn retry_after(error: &Error) -> Option<Duration> {
    error.response()?.retry_after()
}

/// Varies a delay randomly by up to 25 %.
pub(crate) fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(0.75 + 0.5 * random_fraction())
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
    use crate::error::ErrorKind;
    use crate::protocol::RawResponse;

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
    fn delays_never_vanish() {
        for policy in [
            RetryPolicy::default().first_delay(Duration::ZERO),
            RetryPolicy::default().max_delay(Duration::ZERO),
            RetryPolicy::default().first_delay(Duration::from_nanos(1)).jitter(1.0),
        ] {
            let delays: Vec<u128> = [1, 2, 3, 9, 99].map(|failed| policy.backoff_by(failed, 0.0).as_millis()).to_vec();
            assert_eq!(delays, [1, 2, 4, 250, 250]);
        }
    }

    fn busy(headers: &[(&'static str, &str)]) -> Error {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).expect("a header"))
        });
        let (status, body) = (http::StatusCode::SERVICE_UNAVAILABLE, bytes::Bytes::new());
        Error::service("fal", RawResponse { status, headers: headers.collect(), body })
    }

    #[test]
    fn retry_after_replaces_the_backoff_but_not_with_nothing() {
        let policy = RetryPolicy::default().first_delay(Duration::from_secs(1)).jitter(0.0);
        for (value, delays) in [
            ("0", [100, 200, 400, 800, 1600]),
            ("1", [1000, 1000, 1000, 1000, 1600]),
            ("7", [7000; 5]),
            ("Wed, 21 Oct 2015 07:28:00 GMT", [100, 200, 400, 800, 1600]),
            ("-1", [1000, 2000, 4000, 8000, 15_000]),
            ("soon", [1000, 2000, 4000, 8000, 15_000]),
            ("1.5", [1500, 1500, 1500, 1500, 1600]),
            ("7.0", [7000; 5]),
            ("1.5.2", [1000, 2000, 4000, 8000, 15_000]),
            (" 7 ", [7000; 5]),
        ] {
            let error = busy(&[("retry-after", value)]);
            let found = [1, 2, 3, 4, 5].map(|failed| policy.delay(failed, &error).as_millis());
            assert_eq!(found, delays, "{value}");
        }
        let quick = policy.first_delay(Duration::from_millis(5));
        assert_eq!(quick.delay(1, &busy(&[("retry-after", "0")])), Duration::from_millis(5));
    }

    #[test]
    fn a_requested_delay_is_kept_if_it_fits_into_the_patience() {
        let policy = RetryPolicy::default();
        let delay = |waited, value| {
            let waited = Duration::from_secs(waited);
            let delay = policy.delay_within_patience(Operation::Status, 1, waited, &busy(&[("retry-after", value)]));
            delay.map(|delay| delay.as_secs())
        };
        assert_eq!(delay(0, "200"), Some(200));
        assert_eq!(delay(100, "200"), Some(200));
        assert_eq!(delay(101, "200"), None);
        assert_eq!(delay(299, "1"), Some(1));
        assert_eq!(delay(300, "0"), None);
        assert_eq!(delay(0, "18446744073709551615"), None);
        assert_eq!(policy.delay_before_retry(Operation::Status, 1, &busy(&[("retry-after", "121")])), None);
        let dated = [("retry-after", "Wed, 21 Oct 2015 07:30:00 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")];
        let delay = policy.delay_before_retry(Operation::Status, 1, &busy(&dated));
        assert_eq!(delay, Some(Duration::from_secs(120)));
    }

    #[test]
    fn none_retries_nothing() {
        let error = Error::new(ErrorKind::Connect, "no");
        assert_eq!(RetryPolicy::none().delay_before_retry(Operation::Status, 1, &error), None);
        assert!(RetryPolicy::default().delay_before_retry(Operation::Run, 1, &error).is_some());
    }
}
