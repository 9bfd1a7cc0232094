//! Readers as files of an input.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncRead;

pub(crate) type BoxReader = Pin<Box<dyn AsyncRead + Send>>;

/// A reader that can be taken once. Clones share it.
#[derive(Clone)]
pub(crate) struct OnceReader {
    reader: Arc<Mutex<Option<BoxReader>>>,
    length: Option<u64>,
}

impl OnceReader {
    pub(super) fn new(reader: impl AsyncRead + Send + 'static, length: Option<u64>) -> Self {
        OnceReader { reader: Arc::new(Mutex::new(Some(Box::pin(reader)))), length }
    }

    /// Returns the declared number of bytes.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Takes the reader. Returns `None` if it was already taken.
    pub(crate) fn take(&self) -> Option<BoxReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Compares by identity: readers are equal if they are the same.
impl PartialEq for OnceReader {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.reader, &other.reader)
    }
}

impl fmt::Debug for OnceReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            Some(length) => write!(f, "a reader of {length} bytes"),
            None => f.write_str("a reader"),
        }
    }
}
