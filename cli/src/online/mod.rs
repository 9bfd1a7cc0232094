//! What commands that call fal share: the runtime, the client, and the journal.

mod client;
mod journal;

pub(crate) use client::{client, client_builder};
#[cfg(feature = "emulate")]
pub(crate) use journal::data_folder;
pub(crate) use journal::{journal, journal_url};

use crate::error::{Error, Exit};

/// Runs a command's future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Exit::Failed, format!("cannot start the runtime: {error}")))?;
    runtime.block_on(future)
}
