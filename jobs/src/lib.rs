//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod amount;
mod batch;
mod claims;
mod error;
mod journal;
mod key;
mod record;
mod state;
mod store;

pub use batch::{Batch, IntoItem, Item, Items, NewItem, Progress, Snapshot};
pub use error::{Error, ErrorKind, InvalidItem};
pub use journal::{Budget, BudgetUsage, Completed, Journal, JournalBuilder, Run};
pub use record::Record;
pub use state::State;
