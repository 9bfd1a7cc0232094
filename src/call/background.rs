/// Goes on with something that its caller no longer waits for.
pub(super) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(work)),
        Err(_) => tracing::warn!("a request cannot be cancelled: it was dropped outside of a tokio runtime"),
    }
}
