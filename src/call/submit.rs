use std::borrow::Cow;
use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use super::background::in_background;
use super::body::body;
use super::cancel::cancel;
use super::options::{SendOptions, queue_options, send_options};
use crate::client::Client;
use crate::error::Error;
use crate::protocol::EndpointId;
use crate::queue::{Job, Target};
use crate::schema::EndpointInput;
use crate::transport::{Operation, Request, deadline, join, send, until};

/// A submission to the queue, which is sent when it is awaited.
///
/// Once the future is dropped on its way, nobody here knows whether fal has taken the request: give it a
/// [`timeout`](Self::timeout) instead, which takes it back.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::Priority;
///
/// let call = client.endpoint("fal-ai/flux/dev").submit(serde_json::json!({ "prompt": "a fox" }));
/// let job = call.webhook("https://example.com/done").priority(Priority::Low).await?;
/// println!("{}", job.request_id);
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Submit<I, O> {
    client: Client,
    endpoint: Cow<'static, str>,
    input: I,
    options: SendOptions,
    timeout: Option<Duration>,
    of: PhantomData<fn() -> O>,
}

impl<I, O> Submit<I, O> {
    pub(crate) fn new(client: Client, endpoint: Cow<'static, str>, input: I) -> Self {
        Submit { client, endpoint, input, options: SendOptions::default(), timeout: None, of: PhantomData }
    }

    send_options!();
    queue_options!();

    /// Has fal post the result to an http or https URL when the request is completed. fal does not deliver to private
    /// addresses, and does not follow redirects.
    pub fn webhook(mut self, url: impl AsRef<str>) -> Self {
        self.options.webhook(url.as_ref());
        self
    }

    /// How long it may take in all until fal has taken the request, uploads, repetitions and their pauses included (no
    /// limit by default). If fal takes it later than that, it is cancelled in the background: nobody knows its id.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

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
    pub(super) fn new<I: EndpointInput>(
        client: Client,
        endpoint: Cow<'static, str>,
        input: I,
        options: SendOptions,
    ) -> Self {
        let is_out = Arc::new(AtomicBool::new(false));
        let sent = submit(client.clone(), endpoint.clone(), input, options, Arc::clone(&is_out)).boxed();
        Submission { client, endpoint, sent, is_out }
    }
}

impl<O: 'static> Submission<O> {
    /// The error of a submission whose time has run out.
    pub(super) fn out_of_time(&self, error: Error) -> Error {
        match self.is_out.load(Ordering::Relaxed) {
            true => error.with_endpoint(&self.endpoint),
            false => error.with_note("it was not submitted").with_endpoint(&self.endpoint),
        }
    }

    /// Gives the submission up. If fal may have it already, its answer is awaited in the background, and the request is
    /// cancelled: its caller will not learn of it. What fal has refused or never got is not sent again.
    pub(super) fn take_back(self) {
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

/// Sends an input to the queue, after all that can be checked has been, and when it has its turn.
async fn submit<I: EndpointInput, O>(
    client: Client,
    endpoint: Cow<'static, str>,
    input: I,
    mut options: SendOptions,
    is_out: Arc<AtomicBool>,
) -> Result<Sent<O>, Error> {
    let submit = async {
        options.check(&input)?;
        let id = EndpointId::parse(&endpoint)?;
        let turn = client.turn().await;
        let operation = Operation::Submit { bounded: options.bounded };
        let mut request = Request::new(operation, Method::POST, join(&client.context().hosts.queue, id.as_str()));
        for (name, value) in &options.query {
            request.url.query_pairs_mut().append_pair(name, value);
        }
        request.body = Some(body(&client, input, &mut options).await?);
        request.headers = options.headers;
        request.is_out = is_out;
        let answer = send(client.context(), &request).await?;
        let job = Job::parse(&id, &answer).ok_or_else(|| {
            Error::unexpected("fal took the request but gave no id for it; the error has the whole body", answer)
        })?;
        Ok((job, turn))
    };
    submit.await.map_err(|error: Error| error.with_endpoint(&endpoint))
}

impl<I: EndpointInput, O: 'static> IntoFuture for Submit<I, O> {
    type Output = Result<Job<O>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Submit { client, endpoint, input, options, timeout, .. } = self;
        let span = tracing::info_span!("fal.submit", endpoint = &*endpoint, request_id = tracing::field::Empty);
        let record = span.clone();
        let call = async move {
            let mut submission = Submission::new(client, endpoint, input, options);
            match until(timeout.and_then(deadline), &mut submission.sent).await {
                Ok(sent) => {
                    let (job, _) = sent?;
                    record.record("request_id", &job.request_id);
                    Ok(job)
                }
                Err(attempts) => {
                    let error = Error::timeout("the submission", timeout.unwrap_or_default());
                    let error = submission.out_of_time(error).timed_out_after(attempts);
                    submission.take_back();
                    Err(error)
                }
            }
        };
        call.instrument(span).boxed()
    }
}

impl<I, O> fmt::Debug for Submit<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
