use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::Error;
use crate::queue::{Follower, QueueUpdate, Target};

/// The updates of a request as a stream that ends when it is completed, or with an error.
///
/// It survives connections that break, and polls where fal has no stream for it. It asks from the first time it is
/// polled on.
#[must_use = "a stream does nothing until it is polled"]
pub struct StatusStream {
    state: State,
}

enum State {
    New { target: Target, logs: bool },
    Open(BoxStream<'static, Result<QueueUpdate, Error>>),
}

impl StatusStream {
    pub(crate) fn new(target: Target) -> Self {
        StatusStream { state: State::New { target, logs: false } }
    }

    /// Whether updates have the lines that the model logs (default false). Each line comes once, in order. It has an
    /// effect before the stream is polled only.
    pub fn logs(mut self, wanted: bool) -> Self {
        if let State::New { logs, .. } = &mut self.state {
            *logs = wanted;
        }
        self
    }
}

impl Stream for StatusStream {
    type Item = Result<QueueUpdate, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let State::New { target, logs } = &self.state {
            self.state = State::Open(follow(Follower::new(target.clone(), *logs)));
        }
        match &mut self.state {
            State::Open(updates) => updates.poll_next_unpin(context),
            State::New { .. } => Poll::Ready(None),
        }
    }
}

fn follow(follower: Follower) -> BoxStream<'static, Result<QueueUpdate, Error>> {
    let updates = futures_util::stream::unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        let update = follower.next().await;
        let over = update.as_ref().map_or(true, QueueUpdate::is_completed);
        Some((update, (!over).then_some(follower)))
    });
    updates.fuse().boxed()
}

impl fmt::Debug for StatusStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatusStream")
    }
}
