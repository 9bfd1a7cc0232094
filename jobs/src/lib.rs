//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod claims;
mod error;
mod failure;
mod filter;
mod fleet;
mod journal;
mod key;
mod record;
mod redaction;
mod request;
mod state;
mod store;

pub use error::{Error, ErrorKind};
pub use failure::{Failure, FailureKind};
pub use filter::Filter;
pub use fleet::{Enqueue, Worker, WorkerReport};
pub use journal::{
    Candidate, Completed, Counts, Journal, JournalBuilder, OnFailed, OnUncertain, ResumeAll, Reuse, Run, Submit,
};
pub use record::Record;
pub use redaction::Redaction;
pub use request::SubmitOptions;
pub use state::State;
