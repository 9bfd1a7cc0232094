use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use tracing::Instrument;

use super::cancel::{cancel_quickly, cancelled};
use super::cancel_signal::CancelSignal;
use super::future::call_future;
use super::options::{queue_options, runner_options, send_options, timeout_option};
use super::outgoing::Outgoing;
use super::span::record_request_id;
use super::submission::{Submission, accepted};
use crate::error::Error;
use crate::protocol::Cancellation;
use crate::queue::{Job, Target};
use crate::schema::EndpointInput;
use crate::text::shown;
use crate::transport::{deadline, until};

/// Submits a request to the queue. Sent when awaited.
///
/// If the future is dropped early, it is unknown whether fal has accepted the request. Use [`timeout`](Self::timeout) or
/// [`cancel_when`](Self::cancel_when) instead, which cancel the request.
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
    outgoing: Outgoing,
    timeout: Option<Duration>,
    cancel_when: CancelSignal<'static>,
    of: PhantomData<fn(I) -> O>,
}

impl<I, O> Submit<I, O> {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Submit { outgoing, timeout: None, cancel_when: CancelSignal::default(), of: PhantomData }
    }

    send_options!();
    runner_options!();
    queue_options!();

    /// Makes fal post the result to an http or https URL when the request is completed. Default: none.
    ///
    /// fal signs what it posts. The module `webhook`, with the cargo feature of that name, verifies and parses it. fal does not
    /// deliver to private hosts, and does not follow redirects (fal's documentation of webhooks). A URL with a private address or
    /// name is an error before anything is sent, unless the client has another queue host, such as that of an emulator.
    pub fn webhook(mut self, url: impl AsRef<str>) -> Self {
        self.outgoing.options.webhook(url.as_ref());
        self
    }

    timeout_option! {
        /// It includes uploads, and ends when fal has accepted the request. If fal accepts it later, the client cancels it in
        /// the background, because the caller does not learn its id.
    }

    /// Gives up the submission when a future completes, such as `tokio::signal::ctrl_c()`. Default: never.
    ///
    /// If fal may have received the request, the call waits for its response and cancels the request, for 15 seconds at
    /// most. The error has the request id and the outcome ([`cancellation`](Error::cancellation)), and
    /// [`is_cancelled`](Error::is_cancelled) is true. A request that is already completed is billed, so its job is returned.
    pub fn cancel_when(mut self, signal: impl Future + Send + 'static) -> Self {
        self.cancel_when = CancelSignal::new(signal);
        self
    }
}

impl<I: EndpointInput, O: 'static> Submit<I, O> {
    fn start(self) -> impl Future<Output = Result<Job<O>, Error>> + Send {
        let job = submit(self.outgoing, self.timeout, self.cancel_when);
        async { Ok(job.await?.with_output()) }
    }
}

/// Submits a request. Boxed, so that it is compiled in this crate.
fn submit(
    outgoing: Outgoing,
    timeout: Option<Duration>,
    mut cancel_when: CancelSignal<'static>,
) -> BoxFuture<'static, Result<Job<()>, Error>> {
    let endpoint = &*outgoing.endpoint;
    let span = tracing::info_span!("fal.submit", endpoint = shown(endpoint), request_id = tracing::field::Empty);
    let record = span.clone();
    let call = async move {
        let mut submission = Submission::new(outgoing);
        let first = {
            let sent = until(timeout.and_then(deadline), submission.sent.as_mut());
            match select(pin!(cancel_when.given()), pin!(sent)).await {
                Either::Left(((), _)) => None,
                Either::Right((sent, _)) => Some(sent),
            }
        };
        match first {
            Some(Ok(sent)) => {
                let (job, _) = sent?;
                record_request_id(&record, &job.request_id);
                Ok(job)
            }
            Some(Err(attempts)) => {
                let error = Error::timeout("the submission", timeout.unwrap_or_default());
                let error = submission.timed_out(error).with_attempts_so_far(attempts);
                submission.withdraw();
                Err(error)
            }
            None => {
                let (job, _) = submission.settle().await?;
                record_request_id(&record, &job.request_id);
                let target = Target::new(submission.client.context().clone(), job.endpoint.clone(), &job);
                match cancel_quickly(&target).await {
                    Some(Cancellation::AlreadyCompleted) => Ok(job),
                    outcome => Err(accepted(cancelled(&target, outcome), false)),
                }
            }
        }
    };
    call.instrument(span).boxed()
}

call_future!([I: EndpointInput, O: 'static] Submit<I, O> => 'static, Job<O>);

impl<I, O> fmt::Debug for Submit<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").field("endpoint", &self.outgoing.endpoint).finish_non_exhaustive()
    }
}
