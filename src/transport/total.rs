//! The time that a caller gives a call in all, over every try and pause.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::{Attempt, Error};

tokio::task_local! {
    /// The tries of this call that failed since one of its requests last got through: where time runs out, the future
    /// that knows them is dropped.
    static FAILED: RefCell<Vec<Attempt>>;
}

/// Works for as long as the caller allows.
pub(crate) async fn within_total<T>(
    limit: Option<Duration>,
    what: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return work.await };
    match until(deadline(limit), work).await {
        Ok(done) => done,
        Err(tried) => Err(Error::timeout(what, limit).having_tried(tried)),
    }
}

/// When a limit that begins now is over. One beyond what the clock can hold is none.
pub(crate) fn deadline(limit: Duration) -> Option<Instant> {
    Instant::now().checked_add(limit)
}

/// Works until a deadline, or else returns what was tried since a request last got through.
pub(crate) async fn until<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Result<T, Vec<Attempt>> {
    let Some(deadline) = deadline else { return Ok(work.await) };
    if deadline <= Instant::now() {
        return Err(Vec::new());
    }
    let limited = async { timeout_at(deadline, work).await.map_err(|_| FAILED.with(RefCell::take)) };
    FAILED.scope(RefCell::default(), limited).await
}

/// Takes note of a try that failed. Without a deadline nobody will ask.
pub(super) fn failed(attempt: &Attempt) {
    let _ = FAILED.try_with(|failed| failed.borrow_mut().push(attempt.clone()));
}

/// Takes note of a request that got through.
pub(super) fn got_through() {
    let _ = FAILED.try_with(RefCell::take);
}
