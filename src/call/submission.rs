use std::borrow::Cow;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::background::in_background;
use super::cancel::cancel;
use super::outgoing::Outgoing;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::protocol::Cancellation;
use crate::queue::{Job, Target};
use crate::text::shown;
use crate::transport::{Bucket, Operation, Verdict, judged, send, verdict};

/// The time for which a cancelled call waits for the response to its submission, because only that has the id.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The submitted job, and its turn if the client limits its requests in flight.
pub(super) type Sent = (Job<()>, Option<OwnedSemaphorePermit>);

type Sending = BoxFuture<'static, Result<Sent, Error>>;

/// A submission in progress.
pub(super) struct Submission {
    pub(super) client: Client,
    pub(super) endpoint: Cow<'static, str>,
    /// The caller's bucket for outputs.
    pub(super) bucket: Option<Bucket>,
    pub(super) sent: Sending,
    /// True while fal may have received the submission.
    is_out: Arc<AtomicBool>,
}

impl Submission {
    pub(super) fn new(outgoing: Outgoing) -> Self {
        let (client, endpoint) = (outgoing.client.clone(), outgoing.endpoint.clone());
        let (is_out, bucket) = (Arc::new(AtomicBool::new(false)), outgoing.bucket());
        let sent = submit(outgoing, Arc::clone(&is_out)).boxed();
        Submission { client, endpoint, bucket, sent, is_out }
    }

    /// Completes the error of a submission whose time limit has passed.
    pub(super) fn timed_out(&self, error: Error) -> Error {
        match self.is_out.load(Ordering::Relaxed) {
            true => error.with_acceptance().with_endpoint(&self.endpoint),
            false => error.with_note("it was not submitted").with_endpoint(&self.endpoint),
        }
    }

    /// Waits for the outcome of a submission that its caller cancels.
    ///
    /// # Errors
    ///
    /// fal has not received the request, has rejected it, or did not respond in time. In the last case the request is
    /// cancelled in the background if fal responds later.
    pub(super) async fn settle(&mut self) -> Result<Sent, Error> {
        let is_out = Arc::clone(&self.is_out);
        let error = match timeout(SETTLE_TIMEOUT, response(&mut self.sent, &is_out)).await {
            Ok(Some(sent)) => return sent,
            Ok(None) => Error::cancelled("the request").with_note("it was not submitted"),
            Err(_) => {
                self.withdraw();
                Error::cancelled("the request").with_note("fal did not respond to its submission").with_acceptance()
            }
        };
        Err(error.with_endpoint(&self.endpoint))
    }

    /// Abandons the submission. If fal may have received it, a background task awaits the response and cancels the request,
    /// because the caller will not learn its id. A submission that fal has rejected or has not received is not sent again.
    pub(super) fn withdraw(&mut self) {
        if !self.is_out.load(Ordering::Relaxed) {
            return;
        }
        let mut sent = std::mem::replace(&mut self.sent, pending().boxed());
        let (client, is_out) = (self.client.clone(), Arc::clone(&self.is_out));
        in_background(Box::pin(async move {
            if let Some(Ok((job, _))) = response(&mut sent, &is_out).await {
                let target = Target::new(client.context().clone(), job.endpoint.clone(), &job);
                let outcome = cancel(&target).await.ok();
                tracing::debug!(
                    request_id = shown(&job.request_id),
                    ?outcome,
                    "cancel requested for abandoned submission"
                );
            }
        }));
    }
}

/// Awaits the response to a submission that fal may have received. `None` if fal has not received it: then it is not sent
/// any more.
async fn response(sent: &mut Sending, is_out: &AtomicBool) -> Option<Result<Sent, Error>> {
    poll_fn(|context| {
        if !is_out.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        match sent.poll_unpin(context) {
            Poll::Ready(sent) => Poll::Ready(Some(sent)),
            Poll::Pending if is_out.load(Ordering::Relaxed) => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
        }
    })
    .await
}

/// Marks the error of a request that fal has accepted, unless fal itself says that the request failed or was removed.
pub(super) fn accepted(error: Error, of_result: bool) -> Error {
    let error = told(error, of_result);
    if error.is_outcome() { error } else { error.with_acceptance() }
}

/// Marks the error of a followed request that is its outcome. Only the response to a result request (`of_result`) can say
/// that it failed.
pub(super) fn told(error: Error, of_result: bool) -> Error {
    // A response that refuses to tell says nothing about the request.
    let refuses = |status: StatusCode| matches!(status.as_u16(), 401 | 403 | 404 | 407 | 429);
    let is_told = !error.is_denied() && !error.status().is_some_and(refuses);
    let is_final = of_result
        && error.kind() == ErrorKind::Service
        && is_told
        && verdict(Operation::Result, &error) == Verdict::Final;
    let is_removed = matches!(error.cancellation(), Some(Cancellation::Removed | Cancellation::NotFound));
    if is_final || is_removed { error.with_outcome() } else { error }
}

/// Sends an input to the queue.
async fn submit(outgoing: Outgoing, is_out: Arc<AtomicBool>) -> Result<Sent, Error> {
    let (client, endpoint) = (outgoing.client.clone(), outgoing.endpoint.clone());
    let submit = pin!(async {
        let operation = Operation::Submit { bounded: outgoing.options.bounded };
        let mut prepared = outgoing.prepare(operation, &client.context().hosts.queue, is_out).await?;
        let response = send(client.context(), &prepared.request).await;
        let job = response
            .and_then(|response| Job::parse(&prepared.endpoint, response).map_err(|error| judged(operation, error)));
        match &job {
            Ok(job) => prepared.hold.submitted(&job.request_id),
            Err(error) => prepared.hold.failed(operation, error),
        }
        Ok((job?, prepared.turn))
    });
    submit.await.map_err(|error: Error| error.with_endpoint(&endpoint))
}
