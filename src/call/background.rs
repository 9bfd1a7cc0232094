use futures_util::future::BoxFuture;

/// Runs work in a background task.
pub(super) fn in_background(work: BoxFuture<'static, ()>) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(work)),
        Err(_) => tracing::warn!("cannot cancel a request: it was dropped outside of a tokio runtime"),
    }
}
