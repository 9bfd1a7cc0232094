use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::saved::change::{Change, Kind};

/// The way of changes to the state file. Without a file, it drops them.
#[derive(Clone, Default)]
pub(crate) struct Sink(Option<Arc<Sender>>);

struct Sender {
    changes: mpsc::UnboundedSender<Change>,
    /// The number of changes that were sent.
    sent: AtomicU64,
    written: watch::Receiver<Written>,
}

/// The progress of the writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// The number of changes that are in the file.
    pub(crate) count: u64,
    /// The error that ended the writing.
    pub(crate) error: Option<String>,
}

impl Sink {
    #[cfg(feature = "state")]
    pub(crate) fn new(changes: mpsc::UnboundedSender<Change>, written: watch::Receiver<Written>) -> Self {
        Sink(Some(Arc::new(Sender { changes, sent: AtomicU64::new(0), written })))
    }

    /// Adds or replaces a record. `value` is called only if there is a state file.
    pub(crate) fn put<T: Serialize>(&self, kind: Kind, key: &str, value: impl FnOnce() -> T) {
        if self.0.is_none() {
            return;
        }
        // Records have string keys only, so this never fails.
        if let Ok(value) = serde_json::to_string(&value()) {
            self.send(Change::Put { kind, key: key.to_owned(), value });
        }
    }

    pub(crate) fn delete(&self, kind: Kind, key: &str) {
        if self.0.is_some() {
            self.send(Change::Delete { kind, key: key.to_owned() });
        }
    }

    /// Adds or replaces the content of a file. The writer reads the chunks.
    pub(crate) fn put_content<C>(&self, path: &str, chunks: impl FnOnce() -> C)
    where
        C: Iterator<Item = std::io::Result<Bytes>> + Send + 'static,
    {
        if self.0.is_some() {
            self.send(Change::PutContent { path: path.to_owned(), chunks: Box::new(chunks()) });
        }
    }

    pub(crate) fn delete_content(&self, path: &str) {
        if self.0.is_some() {
            self.send(Change::DeleteContent { path: path.to_owned() });
        }
    }

    fn send(&self, change: Change) {
        if let Some(sender) = &self.0 {
            // Counted first, so that a wait that begins now includes it. The receiver is gone only after the end.
            sender.sent.fetch_add(1, SeqCst);
            let _ = sender.changes.send(change);
        }
    }

    /// Waits until all changes so far are in the file. The error says why they cannot be.
    pub(crate) async fn flushed(&self) -> Result<(), String> {
        let Some(sender) = &self.0 else { return Ok(()) };
        let sent = sender.sent.load(SeqCst);
        let mut written = sender.written.clone();
        match written.wait_for(|written| written.count >= sent || written.error.is_some()).await {
            Ok(written) => written.error.clone().map_or(Ok(()), Err),
            Err(_) => Err("the state file is closed".to_owned()),
        }
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("has_file", &self.0.is_some()).finish_non_exhaustive()
    }
}
