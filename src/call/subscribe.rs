use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::follow_options::FollowOptions;
use super::future::call_future;
use super::options::{follow_options, queue_options, runner_options, send_options};
use super::outgoing::Outgoing;
use super::response::Response;
use super::steps::{OnEnqueue, OnUpdate, Steps};
use super::submission::Submission;
use super::updates::Updates;
use crate::error::Error;
use crate::queue::Job;
use crate::schema::EndpointInput;

/// Submits a request, follows it until it is completed, and fetches its result. Sent when awaited.
///
/// Dropping the future does not stop the request, unless [`cancel_on_drop`](Self::cancel_on_drop) is set. Its id is known
/// from [`on_enqueue`](Self::on_enqueue).
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use std::time::Duration;
///
/// let call = client.endpoint("fal-ai/flux/dev").subscribe(serde_json::json!({ "prompt": "a fox" }));
/// let response = call
///     .timeout(Duration::from_secs(300))
///     .logs(true)
///     .on_enqueue(|job| println!("{}", job.request_id))
///     .on_update(|update| update.logs().iter().for_each(|line| eprintln!("{}", line.message)))
///     .await?;
/// println!("{}", response.data["images"][0]["url"]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Subscribe<'a, I, O> {
    outgoing: Outgoing,
    follow: FollowOptions<'a>,
    on_enqueue: Option<OnEnqueue<'a>>,
    on_update: Option<OnUpdate<'a>>,
    of: PhantomData<fn(I) -> O>,
}

impl<'a, I, O> Subscribe<'a, I, O> {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        let follow = FollowOptions { cancel_on_timeout: true, ..FollowOptions::default() };
        Subscribe { outgoing, follow, on_enqueue: None, on_update: None, of: PhantomData }
    }

    send_options!();
    runner_options!();
    queue_options!();

    follow_options! {
        /// Total time limit, including uploads, the wait in the queue, retries and backoff. Default: none.
        ///
        /// When it passes, the client asks fal to cancel the request. The error ([`is_timeout`](Error::is_timeout)) has the
        /// request id and the outcome of the cancellation ([`cancellation`](Error::cancellation)).
        timeout;
        /// Cancels the request when the timeout passes. Default: `true`.
        cancel_on_timeout;
    }

    /// Registers a callback for the job, called once when the queue has accepted the request.
    pub fn on_enqueue(mut self, call: impl FnOnce(&Job<O>) + Send + 'a) -> Self {
        self.on_enqueue = Some(Box::new(|job| call(&job.with_output())));
        self
    }
}

impl<'a, I: EndpointInput, O: DeserializeOwned + Send + 'static> Subscribe<'a, I, O> {
    /// Returns a stream of the job, the updates and finally the result, instead of a future. The callbacks of `on_enqueue`
    /// and `on_update` are not called. That of `on_upload_progress` is, because the stream has no events before the job.
    pub fn updates(self) -> Updates<'a, O> {
        Updates::new(Steps::submit(Submission::new(self.outgoing), self.follow))
    }

    fn start(self) -> impl Future<Output = Result<Response<O>, Error>> + Send {
        let Subscribe { outgoing, follow, on_enqueue, on_update, .. } = self;
        let (steps, mut output) = (Steps::submit(Submission::new(outgoing), follow), None);
        async move { steps.finish(on_enqueue, on_update, &mut output).await?.with_output(output) }
    }
}

call_future!(['a, I: EndpointInput, O: DeserializeOwned + Send + 'static] Subscribe<'a, I, O> => 'a, Response<O>);

impl<I, O> fmt::Debug for Subscribe<'_, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe").field("endpoint", &self.outgoing.endpoint).finish_non_exhaustive()
    }
}
