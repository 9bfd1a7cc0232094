use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::codec::Decoder;
use super::link::Shared;
use crate::error::Error;

/// The half of a [`Realtime`](super::Realtime) connection that receives results. A [`Stream`], too.
///
/// It ends when fal closes the connection normally. The connection ends when both halves are dropped. If this half is dropped alone,
/// later results are discarded.
/// [`RealtimeSink`](super::RealtimeSink) has an example.
pub struct RealtimeStream<O> {
    shared: Arc<Shared>,
    decoder: Decoder<O>,
    /// True if the last frame was a result.
    was_result: bool,
}

impl<O> RealtimeStream<O> {
    pub(super) fn new(shared: Arc<Shared>, decoder: Decoder<O>) -> Self {
        RealtimeStream { shared, decoder, was_result: false }
    }

    pub(super) fn about(&self, error: Error) -> Error {
        self.shared.about(error)
    }
}

impl<O> RealtimeStream<O> {
    /// Returns fal's id of the connection, if it has one.
    pub fn request_id(&self) -> Option<String> {
        self.shared.request_id()
    }

    /// Returns how many times the connection was opened again: see [`Realtime::reconnects`](super::Realtime::reconnects).
    pub fn reconnects(&self) -> u64 {
        self.shared.reconnects()
    }

    /// Returns the next result, or `None` after fal has closed the connection normally. Frames about the connection, such as
    /// timings, are skipped.
    ///
    /// An error does not always end the connection: a model may report one and go on. Call `next` until it returns `None`.
    ///
    /// A dropped future loses nothing: the next call returns the result.
    ///
    /// # Errors
    ///
    /// - fal reports an error. [`Error::error_type`] is its word, such as `INTERNAL_ERROR`, or `TIMEOUT` if the model received no
    ///   input for too long. [`Error::is_timeout`] is true for the latter.
    /// - fal rejects the key or the token: [`Error::is_unauthorized`]. The connection ends. If it
    ///   [reconnects](super::ConnectRealtime::reconnect) with tokens, the next one has another token.
    /// - The connection is lost. [`Error::close_code`] is the code with which fal has closed it, if it did.
    ///   [`Error::may_have_been_accepted`] is true if inputs were sent.
    /// - A frame does not match the output's type. [`Error::body`] has the frame.
    pub async fn next(&mut self) -> Option<Result<O, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<O, Error>>> {
        loop {
            let message = match ready!(self.shared.poll_next(context, std::mem::take(&mut self.was_result))) {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            match self.decoder.decode(message) {
                Some(Ok(output)) => {
                    self.was_result = true;
                    return Poll::Ready(Some(Ok(output)));
                }
                Some(Err(error)) => {
                    let error = self.shared.about(error);
                    if error.is_unauthorized() {
                        self.shared.reject(&error);
                    }
                    return Poll::Ready(Some(Err(error)));
                }
                None => {}
            }
        }
    }
}

impl<O> Stream for RealtimeStream<O> {
    type Item = Result<O, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

impl<O> Drop for RealtimeStream<O> {
    fn drop(&mut self) {
        self.shared.stop_receiving();
    }
}

// Nothing is pinned: outputs are only passed on.
impl<O> Unpin for RealtimeStream<O> {}

impl<O> fmt::Debug for RealtimeStream<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RealtimeStream")
    }
}
