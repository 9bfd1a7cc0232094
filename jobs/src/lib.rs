//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod amount;
mod claims;
mod error;
mod journal;
mod key;
mod record;
mod state;
mod store;

pub use error::{Error, ErrorKind};
pub use journal::{Budget, BudgetUsage, Completed, Journal, JournalBuilder, Run};
pub use record::Record;
pub use state::State;
