//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod claims;
mod error;
mod filter;
mod fleet;
mod journal;
mod key;
mod record;
mod redaction;
mod state;
mod store;

pub use error::{Error, ErrorKind};
pub use filter::Filter;
pub use fleet::{Enqueue, Worker, WorkerReport};
pub use journal::{Completed, Counts, Journal, JournalBuilder, Run};
pub use record::Record;
pub use redaction::Redaction;
pub use state::State;
