use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;

use super::background::in_background;
use super::cancel::cancel;
use super::outgoing::Outgoing;
use crate::client::Client;
use crate::error::Error;
use crate::queue::{Job, Target};
use crate::schema::EndpointInput;
use crate::transport::{Operation, judged, send};

/// The submitted job, and its turn if the client limits its requests in flight.
type Sent<O> = (Job<O>, Option<OwnedSemaphorePermit>);

/// A submission in progress.
pub(super) struct Submission<O: 'static> {
    pub(super) client: Client,
    pub(super) endpoint: Cow<'static, str>,
    pub(super) sent: BoxFuture<'static, Result<Sent<O>, Error>>,
    /// True while fal may have received the submission.
    is_out: Arc<AtomicBool>,
}

impl<O: 'static> Submission<O> {
    pub(super) fn new<I: EndpointInput>(outgoing: Outgoing<I>) -> Self {
        let (client, endpoint) = (outgoing.client.clone(), outgoing.endpoint.clone());
        let is_out = Arc::new(AtomicBool::new(false));
        let sent = submit(outgoing, Arc::clone(&is_out)).boxed();
        Submission { client, endpoint, sent, is_out }
    }

    /// Completes the error of a submission whose time limit has passed.
    pub(super) fn timed_out(&self, error: Error) -> Error {
        match self.is_out.load(Ordering::Relaxed) {
            true => error.with_acceptance().with_endpoint(&self.endpoint),
            false => error.with_note("it was not submitted").with_endpoint(&self.endpoint),
        }
    }

    /// Abandons the submission. If fal may have received it, a background task awaits the response and cancels the request,
    /// because the caller will not learn its id. A submission that fal has rejected or has not received is not sent again.
    pub(super) fn withdraw(self) {
        let Submission { client, endpoint, mut sent, is_out } = self;
        if is_out.load(Ordering::Relaxed) {
            in_background(async move {
                let response = poll_fn(|context| match sent.poll_unpin(context) {
                    Poll::Ready(sent) => Poll::Ready(sent.ok()),
                    Poll::Pending if is_out.load(Ordering::Relaxed) => Poll::Pending,
                    Poll::Pending => Poll::Ready(None),
                });
                if let Some((job, _)) = response.await {
                    let outcome = cancel(&Target::new(client.context().clone(), endpoint, &job)).await.ok();
                    tracing::debug!(request_id = job.request_id, ?outcome, "cancel requested for abandoned submission");
                }
            });
        }
    }
}

/// Sends an input to the queue.
async fn submit<I: EndpointInput, O>(outgoing: Outgoing<I>, is_out: Arc<AtomicBool>) -> Result<Sent<O>, Error> {
    let (client, endpoint) = (outgoing.client.clone(), outgoing.endpoint.clone());
    let submit = async {
        let operation = Operation::Submit { bounded: outgoing.options.bounded };
        let mut prepared = outgoing.prepare(operation, &client.context().hosts.queue).await?;
        prepared.request.may_have_arrived = is_out;
        let response = send(client.context(), &prepared.request).await?;
        let job = Job::parse(&prepared.endpoint, &response).ok_or_else(|| {
            let message = "fal accepted the request but returned no request id; see `Error::body` for the response";
            judged(operation, Error::unexpected(message, response))
        })?;
        Ok((job, prepared.turn))
    };
    submit.await.map_err(|error: Error| error.with_endpoint(&endpoint))
}
