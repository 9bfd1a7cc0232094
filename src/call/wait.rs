use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::follow_options::FollowOptions;
use super::future::call_future;
use super::options::follow_options;
use super::response::Response;
use super::steps::{OnUpdate, Steps};
use super::updates::Updates;
use crate::error::Error;
use crate::queue::Target;

/// Follows a submitted request until it is completed and fetches its result. Sent when awaited.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use std::time::Duration;
///
/// match client.endpoint("fal-ai/flux/dev").wait("request-id").timeout(Duration::from_secs(60)).await {
///     Ok(response) => println!("{}", response.data),
///     Err(error) if error.is_timeout() => println!("still running"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Wait<'a, O> {
    target: Target,
    follow: FollowOptions<'a>,
    on_update: Option<OnUpdate<'a>>,
    of: PhantomData<fn() -> O>,
}

impl<'a, O> Wait<'a, O> {
    pub(crate) fn new(target: Target) -> Self {
        Wait { target, follow: FollowOptions::default(), on_update: None, of: PhantomData }
    }

    follow_options! {
        /// Total time limit. Default: none. When it passes, the request keeps running and can be waited for again.
        timeout;
        /// Cancels the request when the timeout passes. Default: `false`.
        cancel_on_timeout;
    }
}

impl<'a, O: DeserializeOwned + Send + 'static> Wait<'a, O> {
    /// Returns a stream of the updates and finally the result, instead of a future. The callback of `on_update` is not called.
    pub fn updates(self) -> Updates<'a, O> {
        Updates::new(Steps::follow(self.target, self.follow))
    }

    fn start(self) -> impl Future<Output = Result<Response<O>, Error>> + Send {
        let Wait { target, follow, on_update, .. } = self;
        let (steps, mut output) = (Steps::follow(target, follow), None);
        async move { steps.finish(None, on_update, &mut output).await?.with_output(output) }
    }
}

call_future!(['a, O: DeserializeOwned + Send + 'static] Wait<'a, O> => 'a, Response<O>);

impl<O> fmt::Debug for Wait<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("target", &self.target).finish_non_exhaustive()
    }
}
