use super::response::Response;
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
