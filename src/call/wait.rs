use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;

use super::updates::{FollowOptions, OnUpdate, Progress, Steps, Updates};
use crate::queue::{QueueUpdate, Target};
use crate::{Error, Response};

/// A submitted request that is followed until it is completed, and whose result is fetched, when it is awaited.
#[must_use = "a call does nothing until it is awaited"]
pub struct Wait<'a, O> {
    target: Target,
    follow: FollowOptions,
    on_update: Option<OnUpdate<'a>>,
    of: PhantomData<fn() -> O>,
}

impl<'a, O> Wait<'a, O> {
    pub(crate) fn new(target: Target) -> Self {
        Wait { target, follow: FollowOptions::default(), on_update: None, of: PhantomData }
    }

    /// Whether updates have the lines that the model logs (default false). Each line comes once, in order.
    pub fn logs(mut self, logs: bool) -> Self {
        self.follow.logs = logs;
        self
    }

    /// Is called whenever something has changed: the position in the queue, the state, new log lines.
    pub fn on_update(mut self, call: impl FnMut(QueueUpdate) + Send + 'a) -> Self {
        self.on_update = Some(Box::new(call));
        self
    }

    /// How long it may take in all (no limit by default). When it passes, fal is asked to cancel the request.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.follow.timeout = Some(timeout);
        self
    }

    /// Whether fal is asked to cancel the request when the future is dropped before it is completed (default false).
    pub fn cancel_on_drop(mut self, cancel: bool) -> Self {
        self.follow.cancel_on_drop = cancel;
        self
    }
}

impl<O: DeserializeOwned + Send + 'static> Wait<'_, O> {
    /// The same as a stream: the updates, and last the result. The function given with `on_update` is not called.
    pub fn updates(self) -> Updates<O> {
        Updates::new(Steps::<Value, O>::follow(self.target, &self.follow))
    }

    async fn finish(self) -> Result<Response<O>, Error> {
        let Wait { target, follow, mut on_update, .. } = self;
        let mut steps = Steps::<Value, O>::follow(target, &follow);
        while let Some(progress) = steps.next().await {
            match progress? {
                Progress::Update(update) => {
                    if let Some(call) = &mut on_update {
                        call(update);
                    }
                }
                Progress::Completed(response) => return Ok(response),
                Progress::Enqueued(_) => {}
            }
        }
        Err(Error::new(crate::ErrorKind::Transport, "the request ended without a result"))
    }
}

impl<'a, O: DeserializeOwned + Send + 'static> IntoFuture for Wait<'a, O> {
    type Output = Result<Response<O>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let (endpoint, request_id) = (self.target.endpoint.as_str(), self.target.request_id());
        let span = tracing::info_span!("fal.wait", endpoint, request_id);
        self.finish().instrument(span).boxed()
    }
}

impl<O> fmt::Debug for Wait<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("target", &self.target).finish_non_exhaustive()
    }
}
