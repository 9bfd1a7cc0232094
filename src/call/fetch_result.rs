use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::options::timeout_option;
use super::response::Response;
use crate::error::Error;
use crate::queue::Target;
use crate::transport::{send, within_total};

/// Fetches the result of a request. Sent when awaited.
///
/// Without payload storage, fal keeps a result for an hour, and a result of 10 KB or more for six minutes.
///
/// ```no_run
/// # async fn example(client: fal_client::Client, job: fal_client::Job<serde_json::Value>) -> Result<(), fal_client::Error> {
/// let response = client.resume(job).result().await?;
/// println!("{}", response.data);
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct FetchResult<O> {
    target: Target,
    timeout: Option<Duration>,
    of: PhantomData<fn() -> O>,
}

impl<O> FetchResult<O> {
    pub(crate) fn new(target: Target) -> Self {
        FetchResult { target, timeout: None, of: PhantomData }
    }

    timeout_option!();
}

/// Fetches the result of a request.
pub(super) async fn fetch<O: DeserializeOwned + 'static>(target: &Target) -> Result<Response<O>, Error> {
    let request = async { Response::parse(send(&target.context, &target.result()?).await?) };
    let mut response: Response<O> = request.await.map_err(|error| target.explain(error))?;
    // The header of the response may name one of fal's attempts instead of the request.
    response.request_id = Some(target.request_id().to_owned());
    Ok(response)
}

impl<O: DeserializeOwned + Send + 'static> IntoFuture for FetchResult<O> {
    type Output = Result<Response<O>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let FetchResult { target, timeout, .. } = self;
        let span = tracing::info_span!("fal.result", endpoint = target.endpoint, request_id = target.request_id());
        let call = async move {
            let fetched = within_total(timeout, "fetching the result", fetch(&target)).await;
            fetched.map_err(|error| target.explain(error))
        };
        call.instrument(span).boxed()
    }
}

impl<O> fmt::Debug for FetchResult<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchResult").field("target", &self.target).finish()
    }
}
