use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tracing::Instrument;

use crate::error::Error;
use crate::protocol::QueueUpdate;
use crate::queue::{Follower, Target};
use crate::text::shown;
use crate::transport::check_runtime;

/// A stream of a request's updates. Ends when the request is completed, or with an error.
///
/// It reconnects when the connection is lost, and polls if fal has no stream for the request. Nothing is sent before the
/// stream is first polled.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use futures_util::TryStreamExt;
///
/// let mut updates = client.endpoint("fal-ai/flux/dev").status_stream("request-id").logs(true);
/// while let Some(update) = updates.try_next().await? {
///     println!("{update:?}");
/// }
/// # Ok(())
/// # }
/// ```
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

    /// Includes the model's logs in updates, each line once and in order. Default: `false`. Has no effect once the stream has
    /// been polled.
    pub fn logs(mut self, include: bool) -> Self {
        if let State::New { logs, .. } = &mut self.state {
            *logs = include;
        }
        self
    }
}

impl Stream for StatusStream {
    type Item = Result<QueueUpdate, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let State::New { target, logs } = &self.state {
            self.state = State::Open(follow(target, *logs));
        }
        match &mut self.state {
            State::Open(updates) => updates.poll_next_unpin(context),
            State::New { .. } => Poll::Ready(None),
        }
    }
}

fn follow(target: &Target, logs: bool) -> BoxStream<'static, Result<QueueUpdate, Error>> {
    let span = tracing::info_span!(
        "fal.status_stream",
        endpoint = shown(&target.endpoint),
        request_id = shown(target.request_id())
    );
    let follower = Follower::new(target.clone(), logs);
    let updates = futures_util::stream::unfold(Some((follower, span)), async |open| {
        let (mut follower, span) = open?;
        let update = match check_runtime() {
            Ok(()) => follower.next().instrument(span.clone()).await,
            Err(error) => Err(error),
        };
        let is_last = update.as_ref().map_or(true, QueueUpdate::is_completed);
        Some((update, (!is_last).then_some((follower, span))))
    });
    updates.fuse().boxed()
}

impl fmt::Debug for StatusStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatusStream")
    }
}
