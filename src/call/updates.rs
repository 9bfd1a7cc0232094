use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::SendOptions;
use super::cancel::cancel;
use super::fetch::fetch;
use super::submit::submit;
use crate::queue::{Follower, Job, QueueUpdate, Target, completed_error};
use crate::{Client, EndpointInput, Error, Response};

/// How long fal may take to answer the wish to cancel a request whose time ran out.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// What happens to a request that is followed, in this order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Progress<O> {
    /// The queue has taken it.
    Enqueued(Job<O>),
    /// Something about it has changed.
    Update(QueueUpdate),
    /// Its result is here. Nothing comes after it.
    Completed(Response<O>),
}

/// The updates of a request as a stream that ends with its result or with an error.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::Progress;
/// use futures_util::StreamExt;
///
/// let mut updates = client.endpoint("fal-ai/flux/dev").subscribe(serde_json::json!({ "prompt": "a fox" })).updates();
/// while let Some(progress) = updates.next().await {
///     match progress? {
///         Progress::Enqueued(job) => println!("{}", job.request_id),
///         Progress::Update(update) => println!("{update:?}"),
///         Progress::Completed(response) => println!("{}", response.data),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Updates<O> {
    steps: BoxStream<'static, Result<Progress<O>, Error>>,
}

impl<O: DeserializeOwned + Send + 'static> Updates<O> {
    pub(super) fn new<I: EndpointInput>(steps: Steps<I, O>) -> Self {
        let steps = futures_util::stream::unfold(steps, async |mut steps| Some((steps.next().await?, steps)));
        Updates { steps: steps.boxed() }
    }
}

impl<O> Stream for Updates<O> {
    type Item = Result<Progress<O>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.steps.poll_next_unpin(context)
    }
}

impl<O> fmt::Debug for Updates<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Updates")
    }
}

/// A request on its way from its submission to its result.
pub(super) struct Steps<I, O> {
    stage: Stage<I, O>,
    logs: bool,
    deadline: Option<(Instant, Duration)>,
    cancel: CancelOnDrop,
    /// Held until the request is over.
    turn: Option<OwnedSemaphorePermit>,
}

enum Stage<I, O> {
    Submit { client: Client, endpoint: Cow<'static, str>, input: I, options: SendOptions },
    Follow { target: Target, follower: Box<Follower> },
    Fetch { target: Target, update: QueueUpdate },
    Over(std::marker::PhantomData<fn() -> O>),
}

/// What a caller wants to be told of.
pub(super) type OnEnqueue<'a, O> = Box<dyn FnOnce(&Job<O>) + Send + 'a>;
pub(super) type OnUpdate<'a> = Box<dyn FnMut(QueueUpdate) + Send + 'a>;

/// How a request is followed.
#[derive(Debug, Default)]
pub(super) struct FollowOptions {
    pub(super) logs: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) cancel_on_drop: bool,
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> Steps<I, O> {
    /// A request that is submitted first.
    pub(super) fn submit(
        client: Client,
        endpoint: Cow<'static, str>,
        input: I,
        options: SendOptions,
        follow: &FollowOptions,
    ) -> Self {
        Steps::new(Stage::Submit { client, endpoint, input, options }, follow)
    }

    /// A request that was submitted before.
    pub(super) fn follow(target: Target, follow: &FollowOptions) -> Self {
        let follower = Box::new(Follower::new(target.clone(), follow.logs));
        let mut steps = Steps::new(Stage::Follow { target: target.clone(), follower }, follow);
        steps.cancel.arm(&target);
        steps
    }

    fn new(stage: Stage<I, O>, follow: &FollowOptions) -> Self {
        Steps {
            stage,
            logs: follow.logs,
            // A limit beyond what the clock can hold is none.
            deadline: follow.timeout.and_then(|limit| Some((Instant::now().checked_add(limit)?, limit))),
            cancel: CancelOnDrop { wanted: follow.cancel_on_drop, target: None },
            turn: None,
        }
    }

    /// What happens next; `None` after the result or an error.
    pub(super) async fn next(&mut self) -> Option<Result<Progress<O>, Error>> {
        if matches!(self.stage, Stage::Over(_)) {
            return None;
        }
        let Some((deadline, limit)) = self.deadline else {
            let progress = self.step().await;
            return Some(self.settle(progress));
        };
        let progress = match tokio::time::timeout_at(deadline, self.step()).await {
            Ok(progress) => progress,
            Err(_) => Err(self.out_of_time(limit).await),
        };
        Some(self.settle(progress))
    }

    /// After an error or the result there is nothing left to do, nor to cancel.
    fn settle(&mut self, progress: Result<Progress<O>, Error>) -> Result<Progress<O>, Error> {
        if matches!(progress, Err(_) | Ok(Progress::Completed(_))) {
            self.stage = Stage::Over(std::marker::PhantomData);
            self.cancel.target = None;
            self.turn = None;
        }
        progress
    }

    async fn step(&mut self) -> Result<Progress<O>, Error> {
        match &mut self.stage {
            Stage::Submit { client, .. } => {
                self.turn = client.turn().await;
                let over = Stage::Over(std::marker::PhantomData);
                let Stage::Submit { client, endpoint, input, options } = std::mem::replace(&mut self.stage, over)
                else {
                    return Err(Error::new(crate::ErrorKind::Transport, "the request is over"));
                };
                let job: Job<O> =
                    submit(&client, &endpoint, input, options).await.map_err(|error| error.at(&endpoint))?;
                tracing::Span::current().record("request_id", &job.request_id);
                let target = Target::new(client, job.endpoint.clone(), &job);
                let follower = Box::new(Follower::new(target.clone(), self.logs));
                self.cancel.arm(&target);
                self.stage = Stage::Follow { target, follower };
                Ok(Progress::Enqueued(job))
            }
            Stage::Follow { target, follower } => {
                let update = follower.next().await?;
                if update.is_completed() {
                    self.cancel.target = None;
                    self.stage = Stage::Fetch { target: target.clone(), update: update.clone() };
                }
                Ok(Progress::Update(update))
            }
            Stage::Fetch { target, update } => {
                let mut response = fetch(target).await.map_err(|error| completed_error(update, error))?;
                if let QueueUpdate::Completed { metrics, .. } = update {
                    response.metrics = std::mem::take(metrics);
                }
                Ok(Progress::Completed(response))
            }
            Stage::Over(_) => Err(Error::new(crate::ErrorKind::Transport, "the request is over")),
        }
    }

    /// The time that the caller gave has run out: fal is asked to cancel the request, if it is one yet.
    async fn out_of_time(&mut self, limit: Duration) -> Error {
        let error = Error::timeout("the request", limit);
        match &self.stage {
            Stage::Follow { target, .. } => {
                // Whether the wish arrives changes nothing for the caller, who has the request's id.
                let asked = tokio::time::timeout(CANCEL_TIMEOUT, cancel(target)).await;
                tracing::debug!(request_id = target.request_id(), ?asked, "out of time, cancelling");
                target.explain(error)
            }
            Stage::Fetch { target, .. } => target.explain(error),
            Stage::Submit { endpoint, .. } => error.at(endpoint),
            Stage::Over(_) => error,
        }
    }
}

/// Asks fal to cancel a request when it is dropped before the request is over, if that is wanted.
struct CancelOnDrop {
    wanted: bool,
    target: Option<Target>,
}

impl CancelOnDrop {
    fn arm(&mut self, target: &Target) {
        self.target = self.wanted.then(|| target.clone());
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        // Without a runtime there is nobody who could send it.
        if let (Some(target), Ok(runtime)) = (self.target.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let asked = cancel(&target).await;
                tracing::debug!(request_id = target.request_id(), ?asked, "dropped, cancelling");
            });
        }
    }
}
