#[cfg(feature = "blocking")]
use std::any::Any;
use std::fmt;
use std::sync::atomic::AtomicU64;
#[cfg(feature = "blocking")]
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use url::Url;

use super::buckets::Buckets;
use super::credentials::Credentials;
use super::durations::Durations;
use super::hosts::Hosts;
use super::proxies::Proxies;
use super::retry::RetryPolicy;
use super::streams::Streams;
use super::timeouts::Timeouts;
#[cfg(any(feature = "proxy", feature = "realtime"))]
use crate::error::Error;
#[cfg(feature = "money")]
use crate::money::Budget;

/// The parts of a client that every request needs.
pub(crate) struct Context {
    pub(crate) http: reqwest::Client,
    /// The proxies of the environment, if `http` uses them.
    pub(crate) proxies: Proxies,
    pub(crate) hosts: Hosts,
    /// The server proxy that receives every request with the key, with its real URL in a header.
    pub(crate) proxy_url: Option<Url>,
    /// Custom headers of the client, sent with every request that has the key.
    pub(crate) headers: HeaderMap,
    pub(crate) credentials: Credentials,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeouts: Timeouts,
    /// Maximum size of an output in bytes.
    pub(crate) max_output: usize,
    pub(crate) streams: Streams,
    pub(crate) durations: Durations,
    pub(crate) buckets: Buckets,
    /// Counts the cost of all calls.
    #[cfg(feature = "money")]
    pub(crate) budget: Option<Budget>,
    /// The number of times that a file was found missing, by a model or by the client.
    pub(crate) lost_files: AtomicU64,
    /// The runtime of blocking calls, which runs while there is a client that needs it.
    #[cfg(feature = "blocking")]
    pub(crate) runtime: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Context {
    /// Refuses requests whose cost a budget cannot count.
    #[cfg(any(feature = "proxy", feature = "realtime"))]
    pub(crate) fn check_uncounted(&self, subject: &str) -> Result<(), Error> {
        #[cfg(feature = "money")]
        if let Some(budget) = &self.budget {
            return budget.check_uncounted(subject);
        }
        let _ = subject;
        Ok(())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("hosts", &self.hosts)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}
