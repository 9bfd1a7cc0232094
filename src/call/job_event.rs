use super::response::Response;
use crate::error::Error;
use crate::protocol::QueueUpdate;
use crate::queue::Job;

/// An event of a request that is followed. [`Updates`](crate::Updates) yields them in the order of the variants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JobEvent<O> {
    /// The queue has accepted the request.
    Enqueued(Job<O>),
    /// The status, the queue position or the logs have changed.
    Update(QueueUpdate),
    /// The result was fetched. This is the last event.
    Completed(Response<O>),
}

impl JobEvent<()> {
    /// Returns the event of a call with an output, which was read if this is the last event.
    pub(super) fn with_output<O>(self, output: Option<O>) -> Result<JobEvent<O>, Error> {
        Ok(match self {
            JobEvent::Enqueued(job) => JobEvent::Enqueued(job.with_output()),
            JobEvent::Update(update) => JobEvent::Update(update),
            JobEvent::Completed(response) => JobEvent::Completed(response.with_output(output)?),
        })
    }
}
