//! The client and its builder.

mod builder;
mod environment;
mod host;

use std::fmt;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use builder::ClientBuilder;
pub use host::{Host, HostProxy, Probe};

use crate::error::Error;
use crate::storage::{Tokens, UploadCache, UploadPolicy, Uploader};
use crate::text::shown;
use crate::transport::Context;

/// A client for fal.ai. Clones are cheap and share connections.
///
/// ```no_run
/// # async fn example() -> Result<(), fal_client::Error> {
/// use fal_client::Client;
///
/// let client = Client::from_env()?; // FAL_KEY
/// let response = client.endpoint("fal-ai/flux/dev").subscribe(serde_json::json!({ "prompt": "a fox" })).await?;
/// println!("{}", response.data["images"][0]["url"]); // null without an image
/// # Ok(())
/// # }
/// ```
///
/// With the trait [`Endpoints`](crate::endpoints::Endpoints) in scope, the client has a method for the first segment of each
/// endpoint id: `client.fal_ai().flux().dev().redux()`.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    context: Arc<Context>,
    uploads: UploadPolicy,
    tokens: Tokens,
    upload_cache: Option<UploadCache>,
    in_flight: Option<Arc<Semaphore>>,
}

impl Client {
    /// Creates a client from environment variables: the API key from `FAL_KEY`, and the variables listed at
    /// [`ClientBuilder::env`].
    ///
    /// # Errors
    ///
    /// Fails if the environment has no API key, and in the cases of [`ClientBuilder::build`].
    pub fn from_env() -> Result<Self, Error> {
        Client::builder().env().build()
    }

    /// Returns a builder with the default settings and no API key.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Returns the [budget](ClientBuilder::budget), if the client has one.
    #[cfg(feature = "money")]
    pub fn budget(&self) -> Option<&crate::money::Budget> {
        self.inner.context.budget.as_ref()
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.inner.context
    }

    /// The default policy for uploads.
    pub(crate) fn uploads(&self) -> &UploadPolicy {
        &self.inner.uploads
    }

    pub(crate) fn uploader<'a>(&'a self, policy: &'a UploadPolicy) -> Result<Uploader<'a>, Error> {
        Uploader::new(&self.inner.context, &self.inner.tokens, policy)
    }

    /// The uploads of inputs' files, unless they are not to be reused.
    pub(crate) fn upload_cache(&self) -> Option<&UploadCache> {
        self.inner.upload_cache.as_ref()
    }

    /// Waits until the limit of requests in flight allows another one. `None` without a limit.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.inner.in_flight.clone()?;
        // The semaphore is never closed.
        semaphore.acquire_owned().await.ok()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { hosts, proxy_url, credentials, .. } = &**self.context();
        f.debug_struct("Client")
            .field("proxy_url", &proxy_url.as_ref().map(|url| shown(url.as_str())))
            .field("run_host", &shown(hosts.run.as_str()))
            .field("queue_host", &shown(hosts.queue.as_str()))
            .field("rest_host", &shown(hosts.rest.as_str()))
            .field("credentials", credentials)
            .finish_non_exhaustive()
    }
}
