//! The runtime, the client and the journal, which commands that call fal share.

pub(crate) mod budget;
mod client;
mod jobs;
mod journal;
mod leaving;
mod progress;
mod signals;

pub(crate) use client::{client, client_builder};
pub(crate) use jobs::{downloads, find, is_request_id};
#[cfg(feature = "emulate")]
pub(crate) use journal::data_folder;
pub(crate) use journal::{existing_journal, journal};
pub(crate) use leaving::{left, release};
pub(crate) use progress::Progress;
pub(crate) use signals::{Signal, Signals};

use crate::error::{Error, Exit};

/// Runs a command's future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Exit::Failed, format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(future);
    // A thread that reads stdin ends with the process.
    runtime.shutdown_background();
    result
}
