use std::fmt;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Weak;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::delivery::Delivery;
use super::inbox::{Inbox, Waiter};
use crate::call::future::call_future;
use crate::call::{self, Response, Status};
use crate::error::Error;
use crate::queue::Target;
use crate::text::shown;
use crate::transport::within_total;

/// Default for the time between two checks of the status.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// Minimum time between two checks.
const MIN_CHECK: Duration = Duration::from_secs(1);

/// Waits for the webhook of a job. Created by [`Receiver::wait`](super::Receiver::wait), and starts when it is awaited.
///
/// ```no_run
/// # async fn example(
/// #     receiver: fal_client::webhook::Receiver, job: fal_client::Job<serde_json::Value>,
/// # ) -> Result<(), fal_client::Error> {
/// use std::time::Duration;
///
/// match receiver.wait(&job).timeout(Duration::from_secs(600)).await {
///     Ok(response) => println!("{}", response.data),
///     Err(error) if error.is_timeout() => println!("still running"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
///
/// The response of a webhook has neither headers, metrics nor billable units.
///
/// Dropping the wait changes nothing about the request. A delivery that arrives later is kept for another wait.
#[must_use = "a call does nothing until it is awaited"]
pub struct WebhookWait<O> {
    inbox: Weak<Inbox>,
    target: Target,
    timeout: Option<Duration>,
    check_every: Duration,
    of: PhantomData<fn() -> O>,
}

impl<O> WebhookWait<O> {
    pub(super) fn new(inbox: Weak<Inbox>, target: Target) -> Self {
        WebhookWait { inbox, target, timeout: None, check_every: CHECK_EVERY, of: PhantomData }
    }

    /// Total time limit. Default: none. When it passes, the request keeps running and can be waited for again.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Time without a delivery after which the status is checked, again and again. Default: 60 s. Range: at least 1 s.
    ///
    /// If the request is completed, its delivery was lost or is late, and the result is fetched from the queue. With
    /// [`Duration::MAX`], only a delivery ends the wait.
    pub fn check_every(mut self, interval: Duration) -> Self {
        self.check_every = interval;
        self
    }
}

impl<O: DeserializeOwned + Send + 'static> WebhookWait<O> {
    fn start(self) -> impl Future<Output = Result<Response<O>, Error>> + Send {
        let WebhookWait { inbox, target, timeout, check_every, .. } = self;
        let span = tracing::info_span!(
            "fal.wait",
            endpoint = shown(&target.endpoint),
            request_id = shown(target.request_id())
        );
        let call = async move {
            let resolved = pin!(resolve(&inbox, &target, check_every));
            let result = within_total(timeout, "waiting for the webhook", resolved).await;
            result.map_err(|error| target.explain(error))
        };
        call.instrument(span)
    }
}

async fn resolve<O: DeserializeOwned + Send + 'static>(
    inbox: &Weak<Inbox>,
    target: &Target,
    check_every: Duration,
) -> Result<Response<O>, Error> {
    // Fails for a job whose ids are invalid, which no delivery could have.
    target.result()?;
    let mut waiter = Waiter::new(inbox, target.request_id());
    let arrival = match select(pin!(waiter.arrival()), pin!(unannounced(target, check_every))).await {
        Either::Left((arrival, _)) => arrival,
        Either::Right(((), _)) => {
            tracing::debug!(request_id = shown(target.request_id()), "no webhook, following the request");
            None
        }
    };
    match arrival.map(Delivery::parse::<O>).filter(|webhook| !webhook.needs_fetch) {
        Some(webhook) => {
            call::delivered(target, &webhook.result);
            let mut response = webhook.result?;
            response.endpoint.clone_from(&target.endpoint);
            Ok(response)
        }
        None => call::Wait::new(target.clone()).send().await,
    }
}

/// Waits until a status check finds the request completed, or is rejected, for example because fal does not know the request.
async fn unannounced(target: &Target, check_every: Duration) {
    loop {
        tokio::time::sleep(check_every.max(MIN_CHECK)).await;
        match Status::new(target.clone()).send().await {
            Ok(update) if !update.is_completed() => {}
            Err(error) if error.is_retryable() => {}
            _ => return,
        }
    }
}

call_future!([O: DeserializeOwned + Send + 'static] WebhookWait<O> => 'static, Response<O>);

impl<O> fmt::Debug for WebhookWait<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookWait").field("target", &self.target).finish_non_exhaustive()
    }
}
