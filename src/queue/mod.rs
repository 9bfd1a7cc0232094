//! Requests in the queue: saved jobs, the URLs about a request, and following it until it is completed.

mod follower;
mod job;
mod log_cursor;
mod patience;
mod poll_delay;
mod target;

pub(crate) use follower::{Follower, parse_status};
pub use job::{Job, RequestRef};
pub(crate) use patience::Patience;
pub(crate) use target::Target;
