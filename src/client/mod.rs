//! The client: what it is set up with, and what starts from it.

mod builder;
mod credentials;
mod headers;
mod hosts;
mod tls;

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use builder::ClientBuilder;
pub(crate) use credentials::Credentials;
pub(crate) use headers::header;
pub(crate) use hosts::{Hosts, backup, join};

use crate::queue::{Job, JobHandle};
use crate::storage::Tokens;
use crate::transport::{RetryPolicy, Timeouts};
use crate::{AsEndpoint, Error, Handle, UploadPolicy};

/// A client of fal. Clones are cheap and share connections.
///
/// ```no_run
/// # async fn example() -> Result<(), fal_client::Error> {
/// use fal_client::Client;
///
/// let client = Client::from_env()?; // FAL_KEY
/// let response = client.endpoint("fal-ai/flux/dev").subscribe(serde_json::json!({ "prompt": "a fox" })).await?;
/// println!("{}", response.data["images"][0]["url"]); // null where there is none
/// # Ok(())
/// # }
/// ```
///
/// With the trait `Endpoints` of a generated tree in scope, the client has a method for every owner of endpoints:
/// `client.fal_ai().flux().dev()`.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) hosts: Hosts,
    /// The caller's own, of every request that has the key.
    pub(crate) headers: HeaderMap,
    pub(crate) credentials: Credentials,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeouts: Timeouts,
    pub(crate) uploads: UploadPolicy,
    pub(crate) tokens: Tokens,
    /// A status stream takes a connection of its own for as long as the request lasts, and a process may have some
    /// hundreds only: beyond this many, requests are polled.
    pub(crate) streams: Arc<Semaphore>,
    in_flight: Option<Arc<Semaphore>>,
}

impl Client {
    /// A client with what the environment says: `FAL_KEY`, or `FAL_KEY_ID` and `FAL_KEY_SECRET`, and the hosts (see
    /// [`ClientBuilder::env`]).
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build`]; without a key in the environment nothing is sent and the error says what to do.
    pub fn from_env() -> Result<Self, Error> {
        Client::builder().env().build()
    }

    /// Sets up a client step by step.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// An endpoint, by the `ENDPOINT` of its generated module, which knows its types, or by its id as text, which takes
    /// and gives JSON. An id that has not the form `owner/app` or `owner/app/path` is an error when it is called.
    pub fn endpoint<E: AsEndpoint>(&self, endpoint: E) -> Handle<E::Input, E::Output> {
        Handle::new(self.clone(), endpoint.into_id())
    }

    /// A job that was submitted before, by this process or another.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, saved: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::Job;
    ///
    /// let job: Job<serde_json::Value> = serde_json::from_str(saved)?;
    /// let response = client.resume(job).wait().await?;
    /// # let _ = response;
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume<O>(&self, job: Job<O>) -> JobHandle<O> {
        JobHandle::new(self.clone(), job)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Waits for a turn, where the number of requests under way is bounded.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.shared.in_flight.clone()?;
        // The semaphore is never closed.
        semaphore.acquire_owned().await.ok()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Hosts { run, queue, rest, .. } = &self.shared.hosts;
        f.debug_struct("Client")
            .field("run_host", &run.as_str())
            .field("queue_host", &queue.as_str())
            .field("rest_host", &rest.as_str())
            .field("credentials", &self.shared.credentials)
            .finish_non_exhaustive()
    }
}
