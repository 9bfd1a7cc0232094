use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncRead;

/// What gives the bytes of a file one after the other.
pub(crate) type BoxReader = Pin<Box<dyn AsyncRead + Send>>;

/// A reader that can be read once. Clones share it: whoever takes it first has it.
#[derive(Clone)]
pub(crate) struct OnceReader {
    reader: Arc<Mutex<Option<BoxReader>>>,
    length: Option<u64>,
}

impl OnceReader {
    pub(super) fn new(reader: impl AsyncRead + Send + 'static, length: Option<u64>) -> Self {
        OnceReader { reader: Arc::new(Mutex::new(Some(Box::pin(reader)))), length }
    }

    /// How many bytes it is said to give.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    /// The reader, if nobody has taken it yet.
    pub(crate) fn take(&self) -> Option<BoxReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Whether it is the same reader.
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
