use std::pin::pin;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::future::call_future;
use super::hold;
use super::options::timeout_option;
use crate::error::Error;
use crate::protocol::{Cancellation, RawResponse, json};
use crate::queue::Target;
use crate::text::shown;
use crate::transport::{Operation, judged, send, verdict, within_total};

/// Time limit for cancelling the request of a call that has ended.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// Cancels a request. Sent when awaited.
///
/// ```no_run
/// # async fn example(client: fal_client::Client, job: fal_client::Job<serde_json::Value>) -> Result<(), fal_client::Error> {
/// use fal_client::Cancellation;
///
/// if client.resume(job).cancel().await? == Cancellation::AlreadyCompleted {
///     println!("too late: the request is completed");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Cancel {
    target: Target,
    timeout: Option<Duration>,
}

impl Cancel {
    pub(crate) fn new(target: Target) -> Self {
        Cancel { target, timeout: None }
    }

    timeout_option!();
}

/// Sends the cancel request.
pub(super) async fn cancel(target: &Target) -> Result<Cancellation, Error> {
    let outcome = match target.cancel() {
        Ok(request) => outcome(send(&target.context, &request).await),
        Err(error) => Err(error),
    };
    if matches!(outcome, Ok(Cancellation::Removed)) {
        hold::removed(target);
    }
    outcome.map_err(|error| target.explain(judged(Operation::Cancel, error)))
}

/// Cancels a request for which a call has given up. `None` if fal cannot be reached in time.
pub(super) async fn cancel_quickly(target: &Target) -> Option<Cancellation> {
    let mut failed = 0;
    let persistent = async {
        loop {
            match cancel(target).await {
                // Such as a page in the place of the outcome.
                Err(error) if verdict(Operation::Cancel, &error).passes() => failed += 1,
                outcome => return outcome.ok(),
            }
            sleep(target.context.retry.backoff(failed)).await;
        }
    };
    let outcome = timeout(CANCEL_TIMEOUT, persistent).await.ok().flatten();
    tracing::debug!(request_id = shown(target.request_id()), ?outcome, "cancel requested");
    outcome
}

/// The error of a request that was cancelled because of the caller's signal.
pub(super) fn cancelled(target: &Target, outcome: Option<Cancellation>) -> Error {
    target.explain(Error::cancelled("the request")).with_cancellation(outcome)
}

/// Parses the outcome. The body decides, not the HTTP status.
fn outcome(response: Result<RawResponse, Error>) -> Result<Cancellation, Error> {
    match response {
        Ok(response) => match Cancellation::parse(&response) {
            Some(known) => Ok(known),
            // Older documents of fal promise an object without a status.
            None if response.body.is_empty() || is_object(&response) => Ok(Cancellation::Requested),
            None => Err(Error::unexpected("unexpected response to the cancel request", response)),
        },
        Err(error) => match error.response().and_then(Cancellation::parse) {
            Some(known @ (Cancellation::AlreadyCompleted | Cancellation::NotFound)) => Ok(known),
            _ => Err(error),
        },
    }
}

fn is_object(response: &RawResponse) -> bool {
    json::from_slice::<Value>(&response.body).is_ok_and(|body| body.is_object())
}

impl Cancel {
    fn start(self) -> impl Future<Output = Result<Cancellation, Error>> + Send {
        let Cancel { target, timeout } = self;
        let span = tracing::info_span!(
            "fal.cancel",
            endpoint = shown(&target.endpoint),
            request_id = shown(target.request_id())
        );
        let call = async move {
            let outcome = within_total(timeout, "cancelling", pin!(cancel(&target))).await;
            outcome.map_err(|error| target.explain(error))
        };
        call.instrument(span)
    }
}

call_future!([] Cancel => 'static, Cancellation);
