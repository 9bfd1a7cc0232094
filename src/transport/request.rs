use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

/// What a request is for, which decides how it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A direct run: it is paid for when it arrives.
    Run,
    /// A submission to the queue: it is paid for when it arrives. `bounded` when it is to be refused by a full queue.
    Submit {
        bounded: bool,
    },
    Status,
    StatusStream,
    /// Its answer is the model's own, status included.
    Result,
    Cancel,
    /// Anything about files, which costs nothing and can be done twice, with the word for it.
    Storage(&'static str),
}

impl Operation {
    /// The word for it in logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Run => "run",
            Operation::Submit { .. } => "submit",
            Operation::Status => "status",
            Operation::StatusStream => "status stream",
            Operation::Result => "result",
            Operation::Cancel => "cancel",
            Operation::Storage(name) => name,
        }
    }
}

/// A request, ready to be sent as often as needed.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// JSON.
    pub(crate) body: Option<Bytes>,
    /// Whether it may have arrived, or be on its way: not between two attempts, for whoever gives it up there.
    pub(crate) is_out: Arc<AtomicBool>,
}

impl Request {
    pub(crate) fn new(operation: Operation, method: Method, url: Url) -> Self {
        Request { operation, method, url, headers: HeaderMap::new(), body: None, is_out: Arc::default() }
    }
}
