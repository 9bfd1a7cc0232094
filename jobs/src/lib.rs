//! A journal of fal.ai requests, on SQLite or PostgreSQL.

mod claims;
mod error;
mod files;
mod journal;
mod key;
mod record;
mod saved_file;
mod state;
mod store;

pub use error::{Error, ErrorKind};
pub use files::{OutputFile, Target};
pub use journal::{Completed, Journal, JournalBuilder, Run};
pub use record::Record;
pub use saved_file::SavedFile;
pub use state::State;
