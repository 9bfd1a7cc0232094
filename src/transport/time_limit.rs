//! Work that is bounded in time: one step of a request, or a whole call with its retries.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::{Attempt, Error};

tokio::task_local! {
    /// The attempts of this call that failed since one of its requests last succeeded. When time runs out, the future
    /// that knows them is dropped.
    static FAILED: RefCell<Vec<Attempt>>;
}

/// Runs one step of a request for no longer than the limit. `what` names it in the error.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    what: &str,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return step.await };
    tokio::time::timeout(limit, step).await.unwrap_or_else(|_| Err(Error::timeout(what, limit)))
}

/// Runs a whole call for no longer than its caller allows. The error has the attempts that failed.
pub(crate) async fn within_total<T>(
    limit: Option<Duration>,
    what: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return work.await };
    match until(deadline(limit), work).await {
        Ok(done) => done,
        Err(attempts) => Err(Error::timeout(what, limit).with_attempts_so_far(attempts)),
    }
}

/// When a limit that begins now is over. One beyond what the clock can hold is none.
pub(crate) fn deadline(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}

/// Runs work until a deadline, or else returns the attempts that failed since a request last succeeded.
pub(crate) async fn until<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Result<T, Vec<Attempt>> {
    let Some(deadline) = deadline else { return Ok(work.await) };
    if deadline <= Instant::now() {
        return Err(Vec::new());
    }
    let limited = async { timeout_at(deadline, work).await.map_err(|_| FAILED.with(RefCell::take)) };
    FAILED.scope(RefCell::default(), limited).await
}

/// Records a failed attempt. Without a deadline there is nothing to record it for.
pub(super) fn record_failure(attempt: &Attempt) {
    let _ = FAILED.try_with(|failed| failed.borrow_mut().push(attempt.clone()));
}

/// Forgets the failed attempts of a request that succeeded.
pub(super) fn clear_failures() {
    let _ = FAILED.try_with(RefCell::take);
}
