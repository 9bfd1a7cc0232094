use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use crate::error::Error;
use crate::transport::{Operation, RetryPolicy};

/// The time for which 404 may mean that fal does not know the request yet, or its result.
const UNKNOWN_AT_FIRST: Duration = Duration::from_secs(10);

/// Decides how long failures are waited out while a request is followed, or while its result is fetched.
#[derive(Debug)]
pub(crate) struct Patience {
    operation: Operation,
    /// Time of the first failure since the latest success.
    failing_since: Option<Instant>,
    /// Number of failures since the latest success.
    failed: u32,
    /// True once a request has succeeded.
    succeeded: bool,
}

impl Patience {
    pub(crate) fn new(operation: Operation) -> Self {
        Patience { operation, failing_since: None, failed: 0, succeeded: false }
    }

    /// Records a success, after which the patience is whole again.
    pub(crate) fn renew(&mut self) {
        *self = Patience { succeeded: true, ..Patience::new(self.operation) };
    }

    /// Returns the delay before the request is sent again.
    ///
    /// # Errors
    ///
    /// The error itself, if it is final, if the patience is exhausted, or if the service requests a longer delay.
    pub(crate) fn delay(&mut self, policy: &RetryPolicy, error: Error) -> Result<Duration, Error> {
        let waited = self.failing_since.get_or_insert_with(Instant::now).elapsed();
        self.failed += 1;
        if let Some(delay) = policy.delay_within_patience(self.operation, self.failed, waited, &error) {
            return Ok(delay);
        }
        let is_unknown = error.status() == Some(StatusCode::NOT_FOUND) && !self.succeeded;
        if is_unknown && waited < UNKNOWN_AT_FIRST.min(policy.patience) {
            return Ok(policy.backoff(self.failed));
        }
        let requested = error.response().and_then(|response| response.retry_after());
        Err(match requested.filter(|delay| *delay > policy.patience.saturating_sub(waited)) {
            Some(delay) if error.is_retryable() => error.with_note(&format!(
                "fal requested a delay of {delay:?}, which exceeds the rest of the policy's patience of {:?}",
                policy.patience
            )),
            _ => error,
        })
    }
}
