//! The queue: a request that waits, runs and completes, and what is known of it on the way.

mod cancellation;
mod follow;
mod job;
mod log;
mod update;

pub use cancellation::Cancellation;
pub(crate) use follow::{Follower, read as read_status};
pub use job::{Job, JobHandle, RequestRef};
pub(crate) use job::{Target, completed_error};
pub use log::LogEntry;
pub use update::{Failure, Metrics, QueueUpdate};
