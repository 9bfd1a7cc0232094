use std::fmt;
use std::future::pending;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// The future of `cancel_when`, after which a call cancels its request.
#[derive(Default)]
pub(super) enum CancelSignal<'a> {
    #[default]
    Never,
    Awaited(BoxFuture<'a, ()>),
    Given,
}

impl<'a> CancelSignal<'a> {
    pub(super) fn new(signal: impl Future + Send + 'a) -> Self {
        CancelSignal::Awaited(async move { drop(signal.await) }.boxed())
    }

    /// Waits for the signal. Returns immediately once it was given.
    pub(super) async fn given(&mut self) {
        match self {
            CancelSignal::Never => pending().await,
            CancelSignal::Awaited(signal) => signal.await,
            CancelSignal::Given => {}
        }
        *self = CancelSignal::Given;
    }
}

impl fmt::Debug for CancelSignal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelSignal")
    }
}
