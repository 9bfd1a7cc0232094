use super::runtime::block_on;
use crate::error::Error;

/// Adds `.call()` to every call of a client, as the blocking form of `.await`.
///
/// ```no_run
/// use fal_client::blocking::{Call, Client};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let client = Client::from_env()?;
/// let flux = client.endpoint("fal-ai/flux/dev");
/// let job = flux.submit(serde_json::json!({ "prompt": "a fox" })).call()?;
/// let response = flux.wait(&job).logs(true).on_update(|update| println!("{update:?}")).call()?;
/// println!("{}", response.data);
/// # Ok(())
/// # }
/// ```
///
/// Everything that is awaited and returns an [`Outcome`] has the method, also `next` of a stream.
pub trait Call: IntoFuture<Output: Outcome> + Sized {
    /// Makes the call and waits until it is finished. Callbacks are called in this thread.
    ///
    /// # Errors
    ///
    /// - The errors of the call itself.
    /// - The thread is in an async task, or no [`blocking::Client`](super::Client) exists
    ///   ([`ErrorKind::Configuration`](crate::ErrorKind::Configuration)). Nothing was sent.
    fn call(self) -> Self::Output {
        block_on(async { self.await }).unwrap_or_else(Outcome::failed)
    }
}

impl<C: IntoFuture<Output: Outcome>> Call for C {}

/// The output of a call: a `Result`, or that of the next item of a stream.
pub trait Outcome: Sealed {
    #[doc(hidden)]
    fn failed(error: Error) -> Self;
}

impl<T> Outcome for Result<T, Error> {
    fn failed(error: Error) -> Self {
        Err(error)
    }
}

impl<T> Outcome for Option<Result<T, Error>> {
    fn failed(error: Error) -> Self {
        Some(Err(error))
    }
}

pub trait Sealed {}

impl<T> Sealed for Result<T, Error> {}

impl<T> Sealed for Option<Result<T, Error>> {}
