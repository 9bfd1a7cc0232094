use std::pin::Pin;

use futures_util::future::{FutureExt, TryFutureExt, lazy};

use crate::error::Error;
use crate::transport::check_runtime;

/// The future of a call, returned by its `send`. It can be spawned, and collected with other futures.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use tokio::task::JoinSet;
///
/// let flux = client.endpoint("fal-ai/flux/dev");
/// let mut calls = JoinSet::new();
/// for prompt in ["a fox", "a hare", "an owl"] {
///     calls.spawn(flux.subscribe(json!({ "prompt": prompt })).send());
/// }
/// while let Some(response) = calls.join_next().await {
///     println!("{}", response??.data);
/// }
/// # Ok(())
/// # }
/// ```
pub type CallFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Implements both ways to start a call, `.await` and `.send()`. The call has a function `start`, whose future does the work.
macro_rules! call_future {
    ([$($generics:tt)*] $call:ty => $lifetime:lifetime, $output:ty) => {
        impl<$($generics)*> $call {
            /// Returns the call's future, for functions that take a future: `tokio::spawn`, `JoinSet::spawn`, `join_all`,
            /// `buffer_unordered`. Nothing is sent before the future is polled. `call.await` is `call.send().await`.
            ///
            /// The future fails if it is polled outside of a tokio runtime.
            pub fn send(self) -> $crate::call::future::CallFuture<$lifetime, $output> {
                $crate::call::future::in_runtime(self.start())
            }
        }

        impl<$($generics)*> std::future::IntoFuture for $call {
            type Output = Result<$output, $crate::error::Error>;
            type IntoFuture = $crate::call::future::CallFuture<$lifetime, $output>;

            fn into_future(self) -> Self::IntoFuture {
                self.send()
            }
        }
    };
}

pub(crate) use call_future;

/// Fails before the first step of a call outside of a tokio runtime, where tokio would panic.
pub(crate) fn in_runtime<'a, T: 'a>(call: impl Future<Output = Result<T, Error>> + Send + 'a) -> CallFuture<'a, T> {
    // An async block would store the call twice.
    lazy(|_| check_runtime()).and_then(|()| call).boxed()
}
