//! The client: what it is set up with.

mod builder;

use std::fmt;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use builder::ClientBuilder;

use crate::error::Error;
use crate::storage::{Tokens, UploadPolicy, Uploader};
use crate::transport::Context;

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
    inner: Arc<Inner>,
}

struct Inner {
    context: Arc<Context>,
    uploads: UploadPolicy,
    tokens: Tokens,
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

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.inner.context
    }

    /// The policy for uploads that do not have their own.
    pub(crate) fn uploads(&self) -> &UploadPolicy {
        &self.inner.uploads
    }

    pub(crate) fn uploader<'a>(&'a self, policy: &'a UploadPolicy) -> Result<Uploader<'a>, Error> {
        Uploader::new(&self.inner.context, &self.inner.tokens, policy)
    }

    /// Waits for a turn, where the number of requests under way is bounded.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.inner.in_flight.clone()?;
        // The semaphore is never closed.
        semaphore.acquire_owned().await.ok()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { hosts, credentials, .. } = &**self.context();
        f.debug_struct("Client")
            .field("run_host", &hosts.run.as_str())
            .field("queue_host", &hosts.queue.as_str())
            .field("rest_host", &hosts.rest.as_str())
            .field("credentials", credentials)
            .finish_non_exhaustive()
    }
}
