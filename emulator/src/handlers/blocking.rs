use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::state::State;

/// Runs work that takes milliseconds, such as drawing an image, without holding up other requests. Little of it runs at a
/// time, because it takes memory too.
pub(super) async fn blocking<T: Send + 'static>(
    state: &State,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let permit = Arc::clone(&state.workers).acquire_owned().await.map_err(|closed| closed.to_string())?;
    // The work continues if the client disconnects, so it holds the permit itself.
    let work = move || {
        let _permit = permit;
        work()
    };
    spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}
