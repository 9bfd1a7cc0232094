//! The queue: a request that waits, runs and completes, and how it is followed.

mod follower;
mod job;
mod log_cursor;
mod target;

pub(crate) use follower::{Follower, parse_status};
pub use job::{Job, RequestRef};
pub(crate) use target::Target;
