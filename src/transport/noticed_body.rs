use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a request that notes when it is sent, which is after the connection is established.
pub(super) struct NoticedBody {
    bytes: Option<Bytes>,
    sent: Arc<AtomicBool>,
}

impl NoticedBody {
    pub(super) fn new(bytes: Bytes, sent: &Arc<AtomicBool>) -> Self {
        NoticedBody { bytes: Some(bytes), sent: Arc::clone(sent) }
    }
}

impl Body for NoticedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.store(true, Ordering::Relaxed);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}
