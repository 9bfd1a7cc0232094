use super::response::Response;
use crate::protocol::QueueUpdate;
use crate::queue::Job;

/// What happens to a request that is followed, in this order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum JobEvent<O> {
    /// The queue has taken it.
    Enqueued(Job<O>),
    /// Something about it has changed.
    Update(QueueUpdate),
    /// Its result is here. Nothing comes after it.
    Completed(Response<O>),
}
