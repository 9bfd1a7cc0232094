//! Time limits for one step of a request, or for a whole call with its retries.

use std::cell::RefCell;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::{Attempt, Error, ErrorKind};

tokio::task_local! {
    /// The failed attempts of this call since its last successful request. Kept here because the future that knows them
    /// is dropped when the time limit expires.
    static FAILED: RefCell<Vec<Attempt>>;
}

/// Runs one step of a request with a time limit. `name` appears in the error. A step that fails too late because it kept
/// the runtime busy has timed out, too.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    name: &str,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return step.await };
    let began = Instant::now();
    match tokio::time::timeout(limit, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) if began.elapsed() < limit => Err(error),
        Ok(Err(error)) => Err(Error::timeout(name, limit).caused_by(error)),
        Err(_) => Err(Error::timeout(name, limit)),
    }
}

/// Runs a whole call with the caller's time limit. The error has the failed attempts.
///
/// The work is pinned by the caller, because each function that takes a future stores it again, and copies it.
pub(crate) async fn within_total<T>(
    limit: Option<Duration>,
    name: &str,
    work: Pin<&mut impl Future<Output = Result<T, Error>>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return work.await };
    let deadline = deadline(limit);
    match until(deadline, work).await {
        Ok(Err(error)) if error.kind() == ErrorKind::Transport && deadline.is_some_and(|end| end <= Instant::now()) => {
            Err(Error::timeout(name, limit).caused_by(error))
        }
        Ok(done) => done,
        Err(attempts) => Err(Error::timeout(name, limit).with_attempts_so_far(attempts)),
    }
}

/// Returns the instant at which a limit that starts now expires. `None` if it is beyond the clock's range.
pub(crate) fn deadline(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}

/// Runs `work` until a deadline. If that passes, returns the failed attempts since the last successful request.
pub(crate) async fn until<T>(
    deadline: Option<Instant>,
    work: Pin<&mut (impl Future<Output = T> + ?Sized)>,
) -> Result<T, Vec<Attempt>> {
    let Some(deadline) = deadline else { return Ok(work.await) };
    if deadline <= Instant::now() {
        return Err(Vec::new());
    }
    let limited = async { timeout_at(deadline, work).await.map_err(|_| FAILED.with(RefCell::take)) };
    FAILED.scope(RefCell::default(), limited).await
}

/// Records a failed attempt of a call with a deadline. Other calls have no use for it.
pub(super) fn record_failure(attempt: &Attempt) {
    let _ = FAILED.try_with(|failed| failed.borrow_mut().push(attempt.clone()));
}

/// Discards the failed attempts of a request that succeeded.
pub(super) fn clear_failures() {
    let _ = FAILED.try_with(RefCell::take);
}
