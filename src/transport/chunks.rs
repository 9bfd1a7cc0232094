use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::Error;

/// The chunks of a response's body, which may arrive for hours, but not without a sign of life.
pub(crate) struct Chunks {
    body: BoxStream<'static, Result<Bytes, Error>>,
    /// Maximum time between two chunks.
    idle: Duration,
    /// Time of the latest chunk.
    latest: Instant,
    /// Wakes the task when the limit may have passed. Late by design: it is not moved with every chunk.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Chunks {
    pub(crate) fn new(response: reqwest::Response, idle: Duration) -> Self {
        Chunks::of(response.bytes_stream().map_err(Error::transport).boxed(), idle)
    }

    pub(crate) fn of(body: BoxStream<'static, Result<Bytes, Error>>, idle: Duration) -> Self {
        Chunks { body, idle, latest: Instant::now(), alarm: None }
    }

    /// Returns the next chunk, or `None` after the last one. A caller may stop polling and continue later.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        match self.body.poll_next_unpin(context) {
            Poll::Ready(chunk) => {
                self.latest = Instant::now();
                Poll::Ready(chunk.transpose())
            }
            Poll::Pending => {
                ready!(self.poll_silence(context));
                Poll::Ready(Err(Error::timeout("waiting for the next part of the stream", self.idle)))
            }
        }
    }

    /// Completes when the time limit has passed.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // A limit beyond the clock's range never passes.
        let Some(due) = self.latest.checked_add(self.idle) else { return Poll::Pending };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        loop {
            ready!(alarm.as_mut().poll(context));
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(due);
        }
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("idle", &self.idle).finish_non_exhaustive()
    }
}
