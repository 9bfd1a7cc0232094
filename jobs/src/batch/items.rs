use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fal_client::EndpointInput;
use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::builder::OnProgress;
use super::item::{Item, NewItem};
use super::progress::Progress;
use super::work::Work;
use crate::error::{Error, ErrorKind};

/// The finished items of a [`Batch`](crate::Batch), as they finish. A stream.
///
/// Dropping it ends the work, as a crash would: the journal knows the requests of the items that ran, and a later batch follows
/// them.
#[must_use = "a batch starts when its items are awaited"]
pub struct Items<I, O> {
    work: Arc<Work<I, O>>,
    /// `None` when no more items are needed.
    source: Option<BoxStream<'static, NewItem<I>>>,
    is_finite: bool,
    /// The index of the next item.
    index: u64,
    concurrency: usize,
    /// The items that run, and those that wait to be handed out.
    running: JoinSet<Item<O>>,
    /// `None` once it is ready.
    stop: Option<BoxFuture<'static, ()>>,
    on_progress: Option<OnProgress>,
}

/// The settings of [`Items`].
pub(super) struct Start<I> {
    pub(super) source: BoxStream<'static, NewItem<I>>,
    pub(super) is_finite: bool,
    pub(super) concurrency: usize,
    pub(super) stop: BoxFuture<'static, ()>,
    pub(super) on_progress: Option<OnProgress>,
}

impl<I, O> Items<I, O> {
    pub(super) fn new(work: Work<I, O>, start: Start<I>) -> Self {
        let Start { source, is_finite, concurrency, stop, on_progress } = start;
        Items {
            work: Arc::new(work),
            source: Some(source),
            is_finite,
            index: 0,
            concurrency,
            running: JoinSet::new(),
            stop: Some(stop),
            on_progress,
        }
    }

    /// Returns the failure that has stopped the batch, if it would hit every item. See [`Journal::batch`](crate::Journal::batch).
    /// `None` if a signal has stopped it: see [`is_stopped`](Self::is_stopped).
    pub fn stopped_by(&self) -> Option<&Error> {
        self.work.stopped_by.get()
    }

    /// Returns true if the batch starts no more items: its [signal](crate::Batch::stop_when) has come, or a
    /// [failure](Self::stopped_by) has stopped it. Run it again for the items that were not started.
    pub fn is_stopped(&self) -> bool {
        *self.work.is_stopping.borrow()
    }

    /// Returns the progress of the batch, which can be read at any time.
    pub fn progress(&self) -> Progress {
        self.work.progress.clone()
    }

    /// Takes an item from the source.
    fn take(&mut self, new: NewItem<I>) -> (u64, Option<String>, Result<I, Error>) {
        let index = self.index;
        self.index += 1;
        let input = new.input.map_err(|error| Error::new(ErrorKind::Input, "invalid item").caused_by(error));
        (index, new.key, input)
    }

    fn hand_out(&mut self, item: Item<O>) -> Poll<Option<Item<O>>> {
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(&self.work.progress.snapshot());
        }
        Poll::Ready(Some(item))
    }
}

impl<I: EndpointInput + Clone, O: DeserializeOwned + Send + 'static> Items<I, O> {
    /// Returns the next finished item. `None` after the last one, and when the batch has stopped.
    ///
    /// After a [failure](Self::stopped_by) that stops a batch of [`run_all`](crate::Batch::run_all), the remaining items are returned
    /// with errors of the kind [`NotStarted`](ErrorKind::NotStarted).
    pub async fn next(&mut self) -> Option<Item<O>> {
        StreamExt::next(self).await
    }

    fn start(&mut self, index: u64, key: Option<String>, input: I) {
        let work = self.work.clone();
        work.progress.started();
        self.running.spawn(async move {
            let result = work.run(key.clone(), input).await;
            let key = match &result {
                Ok(completed) => Some(completed.record.key.clone()),
                Err(error) => key.or_else(|| error.key().map(str::to_owned)),
            };
            Item { key, index, result }
        });
    }
}

impl<I: EndpointInput + Clone, O: DeserializeOwned + Send + 'static> Stream for Items<I, O> {
    type Item = Item<O>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item<O>>> {
        let this = self.get_mut();
        if this.stop.as_mut().is_some_and(|stop| stop.poll_unpin(cx).is_ready()) {
            (this.stop, this.source) = (None, None);
            this.work.progress.rest_not_started(this.index);
            this.work.is_stopping.send_replace(true);
        }
        while this.running.len() < this.concurrency
            && !*this.work.is_stopping.borrow()
            && let Some(source) = &mut this.source
        {
            match source.poll_next_unpin(cx) {
                Poll::Ready(Some(new)) => match this.take(new) {
                    (index, key, Ok(input)) => this.start(index, key, input),
                    (index, key, Err(error)) => {
                        this.work.progress.failed(false);
                        return this.hand_out(Item { key, index, result: Err(error) });
                    }
                },
                Poll::Ready(None) => this.source = None,
                Poll::Pending => break,
            }
        }
        match ready!(this.running.poll_join_next(cx)) {
            Some(Ok(item)) => return this.hand_out(item),
            Some(Err(error)) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime shuts down.
                Err(_) => return Poll::Ready(None),
            },
            // No item runs.
            None => {}
        }
        match (&mut this.source, this.work.stopped_by.get()) {
            (Some(source), Some(reason)) if this.is_finite => {
                let error =
                    Error::new(ErrorKind::NotStarted, format!("not started because the batch has stopped: {reason}"));
                let Some(new) = ready!(source.poll_next_unpin(cx)) else {
                    this.source = None;
                    return Poll::Ready(None);
                };
                let (index, key, _) = this.take(new);
                let error = key.iter().fold(error, |error, key| error.of(key));
                this.work.progress.not_started();
                this.hand_out(Item { key, index, result: Err(error) })
            }
            (Some(_), None) => Poll::Pending,
            _ => Poll::Ready(None),
        }
    }
}

impl<I, O> fmt::Debug for Items<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("progress", &self.work.progress).finish_non_exhaustive()
    }
}
