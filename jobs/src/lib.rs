//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod claims;
mod error;
mod failure;
mod files;
mod filter;
mod fleet;
mod journal;
mod key;
mod record;
mod redaction;
mod request;
mod saved_file;
mod state;
mod store;
mod watch;
#[cfg(feature = "webhook")]
mod webhook;

pub use error::{Error, ErrorKind};
pub use failure::{Failure, FailureKind};
pub use files::{OutputFile, Target};
pub use filter::Filter;
pub use fleet::{Enqueue, Worker, WorkerReport};
pub use journal::{Completed, Counts, Journal, JournalBuilder, OnFailed, OnUncertain, Reuse, Run, Submit};
pub use record::Record;
pub use redaction::Redaction;
pub use request::SubmitOptions;
pub use saved_file::SavedFile;
pub use state::State;
