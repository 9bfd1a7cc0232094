use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use tracing::{Instrument, Span};

use super::any_output::AnyOutput;
use super::future::call_future;
use super::hold;
use super::options::timeout_option;
use super::response::Response;
use super::submission::told;
use crate::error::Error;
use crate::protocol::{Failure, envelope};
use crate::queue::Target;
use crate::text::shown;
use crate::transport::{Operation, Verdict, judged, send, verdict, within_total};

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

/// Fetches the result of a request. `failure` is the failure that the queue has reported.
pub(super) async fn fetch(
    target: &Target,
    failure: Option<&Failure>,
    output: &mut (dyn AnyOutput + Send),
) -> Result<Response<()>, Error> {
    let request = async {
        let response = send(&target.context, &target.result()?).await?;
        if failure.is_some() {
            return Err(Error::service("fal", response));
        }
        if envelope::is_envelope(&response.body) && response.is_in_progress() {
            return Err(Error::unexpected("the request is not completed yet", response));
        }
        Response::parse_into(response, output)
    };
    let result = request.await.map_err(|error| judged(Operation::Result, error));
    hold::fetched(target, failure.is_some(), &result);
    let mut response = result.map_err(|error| {
        let error = target.explain(error);
        match failure {
            Some(failure) => failed(error, failure),
            None => error,
        }
    })?;
    response.endpoint.clone_from(&target.endpoint);
    // The header of the response may name one of fal's attempts instead of the request.
    response.request_id = Some(target.request_id().to_owned());
    Ok(response)
}

/// Completes the error of a request that has failed. If the response is not the model's own error, the queue's words come
/// first.
fn failed(error: Error, failure: &Failure) -> Error {
    let is_success = error.status().is_some_and(|status| status.is_success());
    let is_own = !is_success && error.response().is_some() && verdict(Operation::Result, &error) == Verdict::Final;
    let error = error.with_failure(failure);
    match failure.error.as_str() {
        _ if is_own => error,
        "" => error.context("the request failed"),
        words => error.context(format!("the request failed: {words}")),
    }
}

impl<O: DeserializeOwned + Send + 'static> FetchResult<O> {
    fn start(self) -> impl Future<Output = Result<Response<O>, Error>> + Send {
        let (span, mut output) = (span(&self.target), None);
        async move { fetch_within(self.target, self.timeout, span, &mut output).await?.with_output(output) }
    }
}

/// Creates the span of the call below the span of its caller, who may poll the call elsewhere.
fn span(target: &Target) -> Span {
    tracing::info_span!("fal.result", endpoint = shown(&target.endpoint), request_id = shown(target.request_id()))
}

/// Fetches the result of a request within a time limit. Boxed, so that it is compiled in this crate.
fn fetch_within(
    target: Target,
    timeout: Option<Duration>,
    span: Span,
    output: &mut (dyn AnyOutput + Send),
) -> BoxFuture<'_, Result<Response<()>, Error>> {
    let call = async move {
        let fetched = within_total(timeout, "fetching the result", pin!(fetch(&target, None, output))).await;
        fetched.map_err(|error| told(target.explain(error), true))
    };
    call.instrument(span).boxed()
}

call_future!([O: DeserializeOwned + Send + 'static] FetchResult<O> => 'static, Response<O>);

impl<O> fmt::Debug for FetchResult<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchResult").field("target", &self.target).finish()
    }
}
