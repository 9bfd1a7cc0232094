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
/// Everything that is awaited and returns `Result<T, Error>` has the method.
pub trait Call<T>: IntoFuture<Output = Result<T, Error>> + Sized {
    /// Makes the call and waits until it is finished. Callbacks are called in this thread.
    ///
    /// # Errors
    ///
    /// - The errors of the call itself.
    /// - The thread is in an async task, or no [`blocking::Client`](super::Client) exists
    ///   ([`ErrorKind::Configuration`](crate::ErrorKind::Configuration)). Nothing was sent.
    fn call(self) -> Result<T, Error> {
        block_on(async { self.await })?
    }
}

impl<T, C: IntoFuture<Output = Result<T, Error>>> Call<T> for C {}
