use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use http::StatusCode;

use super::request::Operation;
use crate::error::{Error, ErrorKind};

/// The longest pause that can be set: longer ones are no pauses, and the clock cannot hold every duration.
const MAX_DELAY: Duration = Duration::from_secs(86_400);

/// The longest wait that a service can ask for with `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// How often and after which pauses a request is repeated.
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
/// It never pays twice: a run or a submission is repeated only if it did not arrive (no connection came about), or if
/// it was refused with 429. What only reads (status, result) and what changes nothing when it is done twice (cancel) is
/// repeated when a connection breaks and when a gateway answers 502, 503 or 504, too; uploads and downloads also after
/// 408 and 500, the parts of a large upload each on its own. `Retry-After` is heeded; if it asks for more than two minutes,
/// the error comes at once. A request that is followed is asked after for longer: see [`patience`](Self::patience).
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    first_delay: Duration,
    max_delay: Duration,
    jitter: f64,
    pub(crate) patience: Duration,
}

impl Default for RetryPolicy {
    /// Five attempts; pauses of half a second, doubled every time up to 15 seconds, a quarter more or less by chance; a
    /// patience of five minutes.
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
    /// Nothing is repeated. Where no connection to fal comes about, its backup host is still tried, which is not a
    /// repetition: the request has arrived nowhere.
    pub fn none() -> Self {
        RetryPolicy::default().max_attempts(1).patience(Duration::ZERO)
    }

    /// How often a request is tried in all, the first attempt included; 0 counts as 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The pause after the first failed attempt; each further one is twice as long.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.first_delay = delay;
        self
    }

    /// The longest pause that the service has not asked for.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// By how much of itself a pause is longer or shorter by chance, from 0 to 1: clients that failed together do not
    /// come back together.
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
        self
    }

    /// How long a request that is followed (`subscribe`, `wait`) goes on being asked after, and then asked for its result,
    /// while fal cannot be reached: it may be running all the while. A single question is not repeated for longer than the attempts say.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The pause before the next attempt, or `None` where there is to be none.
    pub(crate) fn delay_before_retry(&self, operation: Operation, failed: u32, error: &Error) -> Option<Duration> {
        if failed >= self.max_attempts || !may_retry(operation, error) {
            return None;
        }
        match error.response().and_then(|response| response.retry_after()) {
            // Who is to come back that late is told so instead.
            Some(wait) => (wait <= MAX_RETRY_AFTER).then_some(wait),
            None => Some(self.backoff(failed)),
        }
    }

    /// The pause after so many failed attempts.
    pub(crate) fn backoff(&self, failed: u32) -> Duration {
        self.backoff_by(failed, random_fraction())
    }

    /// The same with a chance from 0 to 1.
    fn backoff_by(&self, failed: u32, random_fraction: f64) -> Duration {
        let doubled = self.first_delay.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1).min(31)));
        let pause = doubled.min(self.max_delay).min(MAX_DELAY);
        pause.mul_f64(1.0 + self.jitter * (2.0 * random_fraction - 1.0))
    }
}

/// A pause that is longer or shorter by chance, by up to a quarter.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + 0.5 * random_fraction())
}

/// Whether a repeated request cannot cost twice what one costs.
fn may_retry(operation: Operation, error: &Error) -> bool {
    // Who follows a request opens another stream, or polls.
    if operation == Operation::StatusStream {
        return false;
    }
    let paid = matches!(operation, Operation::Run | Operation::Submit { .. });
    match error.kind() {
        ErrorKind::Connect => true,
        ErrorKind::Transport | ErrorKind::Timeout => !paid,
        ErrorKind::Service => match error.status() {
            // A full queue was meant to refuse.
            Some(StatusCode::TOO_MANY_REQUESTS) => {
                error.is_retryable() && operation != Operation::Submit { bounded: true }
            }
            // The deadline that the caller set has passed, whoever asks.
            Some(_) if error.is_start_timeout() => false,
            Some(status) if !paid && matches!(status.as_u16(), 502..=504) => {
                // With a request's id it is the model's own failure, which stays what it is.
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

/// A number from 0 to 1.
fn random_fraction() -> f64 {
    (random() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Any number. The standard library seeds its hashers by chance, which is good enough for a pause or a name.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy::default().first_delay(Duration::from_secs(1)).max_delay(Duration::from_secs(5));
        let pauses: Vec<u64> = [1, 2, 3, 4, 40].map(|failed| policy.backoff_by(failed, 0.5).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn jitter_stays_within_its_part() {
        let policy = RetryPolicy::default().first_delay(Duration::from_secs(2)).jitter(0.25);
        assert_eq!(policy.backoff_by(1, 0.0), Duration::from_millis(1500));
        assert_eq!(policy.backoff_by(1, 1.0), Duration::from_millis(2500));
        assert!((0..1000).map(|_| random_fraction()).all(|random_fraction| (0.0..1.0).contains(&random_fraction)));
    }

    #[test]
    fn any_policy_has_pauses_that_the_clock_can_hold() {
        let policy = RetryPolicy::default().first_delay(Duration::MAX).max_delay(Duration::MAX).jitter(1.0);
        assert_eq!(policy.backoff_by(u32::MAX, 1.0), 2 * MAX_DELAY);
    }

    #[test]
    fn none_repeats_nothing() {
        let error = Error::new(ErrorKind::Connect, "no");
        assert_eq!(RetryPolicy::none().delay_before_retry(Operation::Status, 1, &error), None);
        assert!(RetryPolicy::default().delay_before_retry(Operation::Run, 1, &error).is_some());
    }
}
