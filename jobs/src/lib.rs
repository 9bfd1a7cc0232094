//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod amount;
mod batch;
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

pub use batch::{Batch, IntoItem, Item, Items, NewItem, Progress, Snapshot};
pub use error::{Error, ErrorKind, InvalidItem};
pub use failure::{Failure, FailureKind};
pub use files::{OutputFile, Target};
pub use filter::Filter;
pub use fleet::{Enqueue, Worker, WorkerReport};
pub use journal::{
    Budget, BudgetUsage, Completed, Counts, Journal, JournalBuilder, OnFailed, OnUncertain, Reuse, Run, Submit,
};
pub use record::Record;
pub use redaction::Redaction;
pub use request::SubmitOptions;
pub use saved_file::SavedFile;
pub use state::State;

/// Compiles the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/jobs.md")]
mod guide {}
