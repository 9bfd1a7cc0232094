use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::Semaphore;

use super::credentials::Credentials;
use super::hosts::Hosts;
use super::retry::RetryPolicy;
use super::timeouts::Timeouts;

/// What every request of a client needs.
pub(crate) struct Context {
    pub(crate) http: reqwest::Client,
    pub(crate) hosts: Hosts,
    /// The caller's custom headers, sent with every request that has the key.
    pub(crate) headers: HeaderMap,
    pub(crate) credentials: Credentials,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeouts: Timeouts,
    /// Bounds the status streams. Each takes a connection of its own for as long as the request lasts, and a process may
    /// have only some hundreds: beyond this many, requests are polled.
    pub(crate) streams: Arc<Semaphore>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("hosts", &self.hosts)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}
