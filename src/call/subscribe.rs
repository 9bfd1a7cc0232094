use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::options::{SendOptions, queue_options, send_options};
use super::response::Response;
use super::submit::Submission;
use super::updates::{FollowOptions, OnEnqueue, OnUpdate, Steps, Updates};
use crate::client::Client;
use crate::error::Error;
use crate::protocol::QueueUpdate;
use crate::queue::Job;
use crate::schema::EndpointInput;

/// A request that is submitted, followed until it is completed, and whose result is fetched; all of it when it is
/// awaited.
///
/// Dropping the future stops the work on this side only: the request runs on, and its id is known from
/// [`on_enqueue`](Self::on_enqueue). With [`cancel_on_drop`](Self::cancel_on_drop) fal is asked to cancel it.
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
    client: Client,
    endpoint: Cow<'static, str>,
    input: I,
    options: SendOptions,
    follow: FollowOptions,
    on_enqueue: Option<OnEnqueue<'a, O>>,
    on_update: Option<OnUpdate<'a>>,
}

impl<'a, I, O> Subscribe<'a, I, O> {
    pub(crate) fn new(client: Client, endpoint: Cow<'static, str>, input: I) -> Self {
        Subscribe {
            client,
            endpoint,
            input,
            options: SendOptions::default(),
            follow: FollowOptions { logs: false, timeout: None, cancel_on_timeout: true, cancel_on_drop: false },
            on_enqueue: None,
            on_update: None,
        }
    }

    send_options!();
    queue_options!();

    /// Whether updates have the lines that the model logs (default false). Each line comes once, in order.
    pub fn logs(mut self, logs: bool) -> Self {
        self.follow.logs = logs;
        self
    }

    /// Is called once, when the queue has taken the request.
    pub fn on_enqueue(mut self, call: impl FnOnce(&Job<O>) + Send + 'a) -> Self {
        self.on_enqueue = Some(Box::new(call));
        self
    }

    /// Is called whenever something has changed: the position in the queue, the state, new log lines.
    pub fn on_update(mut self, call: impl FnMut(QueueUpdate) + Send + 'a) -> Self {
        self.on_update = Some(Box::new(call));
        self
    }

    /// How long it may take in all, from when the call is awaited to the result (no limit by default). When it passes, fal
    /// is asked to cancel the request. The error ([`is_timeout`](Error::is_timeout)) has the request's id, and what came of
    /// the cancellation ([`cancellation`](Error::cancellation)).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.follow.timeout = Some(timeout);
        self
    }

    /// Whether fal is asked to cancel the request when its time has passed (default true).
    pub fn cancel_on_timeout(mut self, cancel: bool) -> Self {
        self.follow.cancel_on_timeout = cancel;
        self
    }

    /// Whether fal is asked to cancel the request when the future is dropped before it is completed (default false). It
    /// is asked by a task in the background, which takes a tokio runtime that goes on.
    pub fn cancel_on_drop(mut self, cancel: bool) -> Self {
        self.follow.cancel_on_drop = cancel;
        self
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> Subscribe<'_, I, O> {
    /// The same as a stream: the job, the updates, and last the result. The functions given with `on_enqueue` and
    /// `on_update` are not called.
    pub fn updates(self) -> Updates<O> {
        Updates::new(Steps::submit(Submission::new(self.client, self.endpoint, self.input, self.options), self.follow))
    }
}

impl<'a, I: EndpointInput, O: DeserializeOwned + Send + 'static> IntoFuture for Subscribe<'a, I, O> {
    type Output = Result<Response<O>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Subscribe { client, endpoint, input, options, follow, on_enqueue, on_update } = self;
        let steps = Steps::submit(Submission::new(client, endpoint, input, options), follow);
        steps.finish(on_enqueue, on_update).boxed()
    }
}

impl<I, O> fmt::Debug for Subscribe<'_, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
