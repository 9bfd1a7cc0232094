//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod claims;
mod error;
mod failure;
mod fleet;
mod journal;
mod key;
mod record;
mod request;
mod state;
mod store;

pub use error::{Error, ErrorKind};
pub use failure::{Failure, FailureKind};
pub use fleet::{Enqueue, Worker, WorkerReport};
pub use journal::{Completed, Journal, JournalBuilder, OnFailed, OnUncertain, Reuse, Run, Submit};
pub use record::Record;
pub use request::SubmitOptions;
pub use state::State;
