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
    /// Maximum time of waiting for a chunk.
    idle: Duration,
    /// The time since which the caller waits for the next chunk. A caller that is busy with the last one is not silence.
    waiting_since: Option<Instant>,
    /// Wakes the task when the limit may have passed. Late by design: it is not moved with every chunk.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Chunks {
    pub(crate) fn new(response: reqwest::Response, idle: Duration) -> Self {
        Chunks::of(response.bytes_stream().map_err(Error::transport).boxed(), idle)
    }

    pub(crate) fn of(body: BoxStream<'static, Result<Bytes, Error>>, idle: Duration) -> Self {
        Chunks { body, idle, waiting_since: None, alarm: None }
    }

    /// Returns the next chunk, or `None` after the last one. A caller may stop polling and continue later.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        match self.body.poll_next_unpin(context) {
            Poll::Ready(chunk) => {
                self.waiting_since = None;
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
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let Some(due) = since.checked_add(self.idle) else { return Poll::Pending };
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::{FutureExt, stream};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_busy_with_a_chunk_is_not_silence() {
        // The connection delivers a chunk only when its task runs, which is after the caller.
        let chunks = stream::unfold((), |()| async {
            tokio::task::yield_now().await;
            Some((Ok(Bytes::from_static(b"x")), ()))
        });
        let mut chunks = Chunks::of(chunks.boxed(), SECOND);
        for _ in 0..3 {
            assert!(poll_fn(|context| chunks.poll_next(context)).await.is_ok_and(|chunk| chunk.is_some()));
            tokio::time::advance(2 * SECOND).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_the_time_of_waiting_for_one_chunk() {
        let mut chunks = Chunks::of(stream::pending().boxed(), SECOND);
        assert!(poll_fn(|context| chunks.poll_next(context)).now_or_never().is_none());
        tokio::time::advance(SECOND / 2).await;
        assert!(poll_fn(|context| chunks.poll_next(context)).now_or_never().is_none());
        tokio::time::advance(SECOND / 2 + Duration::from_millis(1)).await;
        let silent = poll_fn(|context| chunks.poll_next(context)).now_or_never().expect("no wait");
        assert!(silent.expect_err("silence").is_timeout());
    }
}
