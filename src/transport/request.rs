use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

/// The purpose of a request. It decides when the request is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A direct run. Billable once it arrives.
    Run,
    /// A direct run whose output is a stream. Billable once it arrives.
    Stream {
        /// Limit until the response begins.
        idle: Duration,
    },
    /// A submission to the queue. Billable once it arrives.
    Submit {
        /// Set if a full queue should reject the request.
        bounded: bool,
    },
    Status,
    StatusStream,
    /// The result. The response is the model's own, including its status.
    Result,
    Cancel,
    /// A named request about files, tokens or connections. Free of charge and idempotent.
    Storage(&'static str),
    /// A named request of the platform API. Free of charge and idempotent.
    #[cfg(feature = "platform")]
    Platform(&'static str),
}

impl Operation {
    /// Returns true if fal bills the request once it has accepted it.
    pub(crate) fn is_billable(self) -> bool {
        matches!(self, Operation::Run | Operation::Stream { .. } | Operation::Submit { .. })
    }

    /// Returns true if the response may be the model's own. The queue's other responses are fal's.
    pub(crate) fn is_of_model(self) -> bool {
        matches!(self, Operation::Run | Operation::Stream { .. } | Operation::Result)
    }

    /// The name in logs and errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Run => "run",
            Operation::Stream { .. } => "stream",
            Operation::Submit { .. } => "submission",
            Operation::Status => "status request",
            Operation::StatusStream => "status stream",
            Operation::Result => "result request",
            Operation::Cancel => "cancel request",
            Operation::Storage(name) => name,
            #[cfg(feature = "platform")]
            Operation::Platform(name) => name,
        }
    }
}

/// A request that can be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// The JSON body.
    pub(crate) body: Option<Bytes>,
    /// Set while the body may have arrived or may be in transit. Not set before a connection is established, nor between
    /// two attempts, so that a caller that gives up there knows that nothing was submitted.
    pub(crate) may_have_arrived: Arc<AtomicBool>,
}

impl Request {
    pub(crate) fn new(operation: Operation, method: Method, url: Url) -> Self {
        Request { operation, method, url, headers: HeaderMap::new(), body: None, may_have_arrived: Arc::default() }
    }
}
