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
use crate::transport::{Operation, send};

/// The job that came of a submission, and the turn that it has.
type Sent<O> = (Job<O>, Option<OwnedSemaphorePermit>);

/// A submission on its way.
pub(super) struct Submission<O: 'static> {
    pub(super) client: Client,
    pub(super) endpoint: Cow<'static, str>,
    pub(super) sent: BoxFuture<'static, Result<Sent<O>, Error>>,
    /// Whether fal may have it, or may be getting it.
    is_out: Arc<AtomicBool>,
}

impl<O: 'static> Submission<O> {
    pub(super) fn new<I: EndpointInput>(outgoing: Outgoing<I>) -> Self {
        let (client, endpoint) = (outgoing.client.clone(), outgoing.endpoint.clone());
        let is_out = Arc::new(AtomicBool::new(false));
        let sent = submit(outgoing, Arc::clone(&is_out)).boxed();
        Submission { client, endpoint, sent, is_out }
    }

    /// The error of a submission whose time has run out.
    pub(super) fn timed_out(&self, error: Error) -> Error {
        match self.is_out.load(Ordering::Relaxed) {
            true => error.with_endpoint(&self.endpoint),
            false => error.with_note("it was not submitted").with_endpoint(&self.endpoint),
        }
    }

    /// Gives the submission up. If fal may have it already, its answer is awaited in the background, and the request is
    /// cancelled: its caller will not learn of it. What fal has refused or never got is not sent again.
    pub(super) fn withdraw(self) {
        let Submission { client, endpoint, mut sent, is_out } = self;
        if is_out.load(Ordering::Relaxed) {
            in_background(async move {
                let answer = poll_fn(|context| match sent.poll_unpin(context) {
                    Poll::Ready(sent) => Poll::Ready(sent.ok()),
                    Poll::Pending if is_out.load(Ordering::Relaxed) => Poll::Pending,
                    Poll::Pending => Poll::Ready(None),
                });
                if let Some((job, _)) = answer.await {
                    let asked = cancel(&Target::new(client.context().clone(), endpoint, &job)).await;
                    tracing::debug!(request_id = job.request_id, ?asked, "given up, cancelling");
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
            Error::unexpected("fal took the request but gave no id for it; the error has the whole body", response)
        })?;
        Ok((job, prepared.turn))
    };
    submit.await.map_err(|error: Error| error.with_endpoint(&endpoint))
}
