use fal_client::{Cancellation, Client};

use super::Journal;
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::record::Record;
use crate::state::{Event, State};

impl Journal {
    /// Cancels a job, and returns it.
    ///
    /// | state before | effect |
    /// | --- | --- |
    /// | waiting | The job fails, and is not sent. |
    /// | submitted, in fal's queue | fal removes the request, and the job fails. |
    /// | submitted, running | fal asks the model to stop. The job stays submitted: following it brings the outcome, which may be a result. |
    /// | completed, failed | None. |
    ///
    /// A cancelled job has a [`Failure`] of kind [`FailureKind::Cancelled`](crate::FailureKind::Cancelled).
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
    /// let job = journal.cancel(&client, "hero-image").await?;
    /// println!("{}", job.state);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The journal does not have the key ([`ErrorKind::NotFound`]).
    /// - The job is uncertain, so that its request id is unknown ([`ErrorKind::Uncertain`]).
    /// - The job is being sent ([`ErrorKind::State`]). Try again.
    /// - fal cannot be reached ([`ErrorKind::Request`]).
    pub async fn cancel(&self, client: &Client, key: impl AsRef<str>) -> Result<Record, Error> {
        let key = key.as_ref();
        let record = self.existing(key).await?;
        let (attempt, request_id) = (record.attempt, record.request_id.as_deref());
        let message = match (record.state, request_id) {
            (State::Completed | State::Failed, _) => return Ok(record),
            (State::Waiting, _) => "it was cancelled before it was sent",
            (State::Submitted, Some(id)) => {
                let cancelled = client.endpoint(record.endpoint.as_str()).cancel(id).await;
                match cancelled.map_err(|error| cannot_cancel(ErrorKind::Request).caused_by(error).of(key))? {
                    Cancellation::Removed => "it was cancelled before it ran",
                    _ => return Ok(record),
                }
            }
            (State::Uncertain, _) => return Err(cannot_cancel(ErrorKind::Uncertain).of(key)),
            (State::Intended | State::Submitted, _) => return Err(cannot_cancel(ErrorKind::State).of(key)),
        };
        let error = Failure::cancelled(message, request_id).to_json();
        // A job that waits may have the request of an earlier submission.
        let request_id = request_id.filter(|_| record.state == State::Submitted).map(str::to_owned);
        self.store().apply(key, &Event::Fail { attempt, request_id, error, units: None }).await
    }
}

fn cannot_cancel(kind: ErrorKind) -> Error {
    let message = match kind {
        ErrorKind::Uncertain => "it cannot be cancelled, because its request id is unknown: look for its request first",
        ErrorKind::State => "it cannot be cancelled while it is being sent: try again",
        _ => "it cannot be cancelled",
    };
    Error::new(kind, message)
}
