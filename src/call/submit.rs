use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::options::{queue_options, send_options, timeout_option};
use super::outgoing::Outgoing;
use super::submission::Submission;
use crate::error::Error;
use crate::queue::Job;
use crate::schema::EndpointInput;
use crate::text::shown;
use crate::transport::{deadline, until};

/// Submits a request to the queue. Sent when awaited.
///
/// If the future is dropped early, it is unknown whether fal has accepted the request. Use [`timeout`](Self::timeout)
/// instead, which cancels the request.
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
    outgoing: Outgoing<I>,
    timeout: Option<Duration>,
    of: PhantomData<fn() -> O>,
}

impl<I, O> Submit<I, O> {
    pub(crate) fn new(outgoing: Outgoing<I>) -> Self {
        Submit { outgoing, timeout: None, of: PhantomData }
    }

    send_options!();
    queue_options!();

    /// Makes fal post the result to an http or https URL when the request is completed. Default: none. fal does not deliver
    /// to private addresses, and does not follow redirects.
    pub fn webhook(mut self, url: impl AsRef<str>) -> Self {
        self.outgoing.options.webhook(url.as_ref());
        self
    }

    timeout_option! {
        /// It includes uploads, and ends when fal has accepted the request. If fal accepts it later, the client cancels it in
        /// the background, because the caller does not learn its id.
    }
}

impl<I: EndpointInput, O: 'static> IntoFuture for Submit<I, O> {
    type Output = Result<Job<O>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Submit { outgoing, timeout, .. } = self;
        let endpoint = &*outgoing.endpoint;
        let span = tracing::info_span!("fal.submit", endpoint = shown(endpoint), request_id = tracing::field::Empty);
        let record = span.clone();
        let call = async move {
            let mut submission = Submission::new(outgoing);
            match until(timeout.and_then(deadline), &mut submission.sent).await {
                Ok(sent) => {
                    let (job, _) = sent?;
                    record.record("request_id", shown(&job.request_id));
                    Ok(job)
                }
                Err(attempts) => {
                    let error = Error::timeout("the submission", timeout.unwrap_or_default());
                    let error = submission.timed_out(error).with_attempts_so_far(attempts);
                    submission.withdraw();
                    Err(error)
                }
            }
        };
        call.instrument(span).boxed()
    }
}

impl<I, O> fmt::Debug for Submit<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").field("endpoint", &self.outgoing.endpoint).finish_non_exhaustive()
    }
}
