//! The platform API: models, prices, usage, requests and the account.
//!
//! ```no_run
//! # async fn example() -> Result<(), fal_client::Error> {
//! use fal_client::Client;
//! use futures_util::TryStreamExt;
//!
//! let platform = Client::from_env()?.platform();
//! let mut models = platform.models().search("flux").category("text-to-image").stream();
//! while let Some(model) = models.try_next().await? {
//!     println!("{}", model.endpoint_id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Client::platform`](crate::Client::platform) returns the [`Platform`], which has a method for each kind of data. Lists are
//! fetched page by page, as a [stream](Items) or as single [pages](Page).
//!
//! Its requests are free of charge. They are retried as status requests are: see [`RetryPolicy`](crate::RetryPolicy). Rate
//! limits (429) are waited out, as `Retry-After` says.
//!
//! Values of fal that do not fit their field are absent, and items without an id are skipped. Amounts of money are exact:
//! they have the digits that fal sent.
//!
//! Items implement `Serialize`, with the names that fal uses. Amounts become strings, because many readers round numbers.

mod account;
mod billing_events;
mod deletion;
mod document;
mod estimates;
mod fields;
mod list;
mod model;
mod models;
mod prices;
mod record;
mod requests;
mod timestamp;
mod usage;

use std::fmt;

use tracing::Instrument;
use url::Url;

pub use account::{Account, Credits, LockState};
pub use billing_events::{BillingEvent, BillingEvents};
pub use deletion::{DeletedFile, DeletedPayloads};
pub use list::{Items, Page};
pub use model::{
    EnterpriseStatus, ExpansionError, License, Model, ModelGroup, ModelKind, ModelMetadata, ModelStatus, OpenApi,
};
pub use models::Models;
pub use prices::Prices;
pub use record::{RequestRecord, RequestStatus};
pub use requests::{RequestSearch, RequestSort, Requests};
pub use timestamp::Timestamp;
pub use usage::{AuthMethod, Timeframe, Usage, UsageRecord};

use crate::client::Client;
use crate::error::Error;
use crate::protocol::RawResponse;
use crate::transport::{Request, send};

/// fal's platform API. Returned by [`Client::platform`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let model = client.platform().model("fal-ai/flux/dev").await?;
/// println!("{:?}", model.metadata.map(|metadata| metadata.display_name));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Platform {
    client: Client,
}

impl Client {
    /// Returns fal's platform API: models, prices, usage, requests and the account. Needs the cargo feature `platform`.
    pub fn platform(&self) -> Platform {
        Platform { client: self.clone() }
    }
}

/// Sends a request of the platform API.
async fn call(client: &Client, request: &Request) -> Result<RawResponse, Error> {
    let span = tracing::info_span!("fal.platform", operation = request.operation.name());
    send(client.context(), request).instrument(span).await.map_err(|error| match documentation(&error) {
        Some(url) => error.with_note(&format!("see {url}")),
        None => error,
    })
}

/// Returns the page of fal's documentation that an error names.
fn documentation(error: &Error) -> Option<Url> {
    let url = fields::Fields::read(error.body()?, |body| body.object("error")?.text("docs_url"))?;
    let url = Url::parse(&url).ok()?;
    let is_of_fal = url.host_str().is_some_and(|host| host == "fal.ai" || host.ends_with(".fal.ai"));
    (url.scheme() == "https" && is_of_fal).then_some(url)
}

/// Prints the presence of a value that may be a prompt.
struct Hidden<'a, T>(&'a Option<T>);

impl<T> fmt::Debug for Hidden<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(…)" } else { "None" })
    }
}
