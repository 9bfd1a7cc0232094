//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod claims;
mod error;
mod fleet;
mod journal;
mod key;
mod record;
mod state;
mod store;

pub use error::{Error, ErrorKind};
pub use fleet::{Enqueue, Worker, WorkerReport};
pub use journal::{Completed, Journal, JournalBuilder, Run};
pub use record::Record;
pub use state::State;
