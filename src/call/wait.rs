use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::response::Response;
use super::updates::{FollowOptions, OnUpdate, Steps, Updates};
use crate::error::Error;
use crate::protocol::QueueUpdate;
use crate::queue::Target;

/// A submitted request that is followed until it is completed, and whose result is fetched, when it is awaited.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use std::time::Duration;
///
/// match client.endpoint("fal-ai/flux/dev").wait("request-id").timeout(Duration::from_secs(60)).await {
///     Ok(response) => println!("{}", response.data),
///     Err(error) if error.is_timeout() => println!("it is not done yet"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Wait<'a, O> {
    target: Target,
    follow: FollowOptions,
    on_update: Option<OnUpdate<'a>>,
    of: PhantomData<fn() -> O>,
}

impl<'a, O> Wait<'a, O> {
    pub(crate) fn new(target: Target) -> Self {
        Wait {
            target,
            follow: FollowOptions { logs: false, timeout: None, cancel_on_timeout: false, cancel_on_drop: false },
            on_update: None,
            of: PhantomData,
        }
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

    /// How long to wait (no limit by default). When it passes, the request runs on, and can be waited for again.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.follow.timeout = Some(timeout);
        self
    }

    /// Whether fal is asked to cancel the request when the time has passed (default false).
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

impl<O: DeserializeOwned + Send + 'static> Wait<'_, O> {
    /// The same as a stream: the updates, and last the result. The function given with `on_update` is not called.
    pub fn updates(self) -> Updates<O> {
        Updates::new(Steps::follow(self.target, self.follow))
    }
}

impl<'a, O: DeserializeOwned + Send + 'static> IntoFuture for Wait<'a, O> {
    type Output = Result<Response<O>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Wait { target, follow, on_update, .. } = self;
        Steps::follow(target, follow).finish(None, on_update).boxed()
    }
}

impl<O> fmt::Debug for Wait<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("target", &self.target).finish_non_exhaustive()
    }
}
