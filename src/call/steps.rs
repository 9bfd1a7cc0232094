use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::background::in_background;
use super::cancel::cancel;
use super::fetch_result::fetch;
use super::follow_options::FollowOptions;
use super::job_event::JobEvent;
use super::response::Response;
use super::submission::Submission;
use crate::error::{Error, ErrorKind};
use crate::protocol::QueueUpdate;
use crate::queue::{Follower, Job, Target};
use crate::transport::{Operation, deadline, until};

/// Time limit for cancelling a request whose own time limit has passed.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// The caller's callbacks.
pub(super) type OnEnqueue<'a, O> = Box<dyn FnOnce(&Job<O>) + Send + 'a>;
pub(super) type OnUpdate<'a> = Box<dyn FnMut(QueueUpdate) + Send + 'a>;

/// Takes a request from its submission to its result, one event at a time.
pub(super) struct Steps<O: 'static> {
    stage: Stage<O>,
    options: FollowOptions,
    /// Set once this call has submitted the request.
    submitted: bool,
    /// The caller's deadline, if there is one. Set at the first step.
    deadline: Option<Option<Instant>>,
    span: Span,
    /// Held until the request is finished, if the client limits its requests in flight.
    turn: Option<OwnedSemaphorePermit>,
}

enum Stage<O: 'static> {
    Submit(Submission<O>),
    Follow { target: Target, follower: Box<Follower> },
    Fetch { target: Target, update: QueueUpdate },
    Over,
}

impl<O: DeserializeOwned + Send + 'static> Steps<O> {
    /// Starts with a submission.
    pub(super) fn submit(submission: Submission<O>, options: FollowOptions) -> Self {
        let endpoint = &*submission.endpoint;
        let span = tracing::info_span!("fal.subscribe", endpoint, request_id = tracing::field::Empty);
        Steps::new(Stage::Submit(submission), options, span)
    }

    /// Starts with a request that was submitted before.
    pub(super) fn follow(target: Target, options: FollowOptions) -> Self {
        let (endpoint, request_id) = (target.endpoint.as_str(), target.request_id());
        let span = tracing::info_span!("fal.wait", endpoint, request_id);
        let follower = Box::new(Follower::new(target.clone(), options.logs));
        Steps::new(Stage::Follow { target, follower }, options, span)
    }

    fn new(stage: Stage<O>, options: FollowOptions, span: Span) -> Self {
        Steps { stage, options, submitted: false, deadline: None, span, turn: None }
    }

    /// Returns the next event, or `None` after the result or an error.
    pub(super) async fn next(&mut self) -> Option<Result<JobEvent<O>, Error>> {
        if matches!(self.stage, Stage::Over) {
            return None;
        }
        let span = self.span.clone();
        let deadline = *self.deadline.get_or_insert_with(|| self.options.timeout.and_then(deadline));
        let event = match until(deadline, self.step().instrument(span.clone())).await {
            Ok(event) => event,
            Err(attempts) => Err(self.timed_out().instrument(span).await.with_attempts_so_far(attempts)),
        };
        let event = if self.submitted { event.map_err(Error::after_submission) } else { event };
        // Dropping a finished request must not cancel it.
        if matches!(event, Err(_) | Ok(JobEvent::Completed(_))) {
            self.stage = Stage::Over;
            self.turn = None;
        }
        Some(event)
    }

    /// Follows the request to its end and calls the callbacks.
    pub(super) async fn finish(
        mut self,
        mut on_enqueue: Option<OnEnqueue<'_, O>>,
        mut on_update: Option<OnUpdate<'_>>,
    ) -> Result<Response<O>, Error> {
        loop {
            match self.next().await {
                Some(Ok(JobEvent::Enqueued(job))) => {
                    if let Some(call) = on_enqueue.take() {
                        call(&job);
                    }
                }
                Some(Ok(JobEvent::Update(update))) => {
                    if let Some(call) = &mut on_update {
                        call(update);
                    }
                }
                Some(Ok(JobEvent::Completed(response))) => return Ok(response),
                Some(Err(error)) => return Err(error),
                None => return Err(already_finished()),
            }
        }
    }

    async fn step(&mut self) -> Result<JobEvent<O>, Error> {
        match &mut self.stage {
            Stage::Submit(submission) => {
                let (job, turn) = (&mut submission.sent).await?;
                (self.turn, self.submitted) = (turn, true);
                self.span.record("request_id", &job.request_id);
                let target = Target::new(submission.client.context().clone(), job.endpoint.clone(), &job);
                let follower = Box::new(Follower::new(target.clone(), self.options.logs));
                self.stage = Stage::Follow { target, follower };
                Ok(JobEvent::Enqueued(job))
            }
            Stage::Follow { target, follower } => {
                let update = follower.next().await?;
                if update.is_completed() {
                    self.stage = Stage::Fetch { target: target.clone(), update: update.clone() };
                }
                Ok(JobEvent::Update(update))
            }
            Stage::Fetch { target, update } => {
                let fetched = fetch_patiently(target, update).await;
                let mut response = fetched.map_err(|error| match update {
                    QueueUpdate::Completed { failure: Some(failure), .. } => error.with_failure(failure),
                    _ => error,
                })?;
                if let QueueUpdate::Completed { metrics, .. } = update {
                    response.metrics = std::mem::take(metrics);
                }
                Ok(JobEvent::Completed(response))
            }
            Stage::Over => Err(already_finished()),
        }
    }

    /// Returns the error of a request whose time limit has passed. Cancels the request if the options say so.
    async fn timed_out(&mut self) -> Error {
        let error = Error::timeout("the request", self.options.timeout.unwrap_or_default());
        if let (Stage::Follow { target, .. }, true) = (&self.stage, self.options.cancel_on_timeout) {
            let target = target.clone();
            // The stage stays as it is, so that the request is also cancelled if the future is dropped here.
            let outcome = tokio::time::timeout(CANCEL_TIMEOUT, cancel(&target)).await;
            let outcome = outcome.ok().and_then(Result::ok);
            tracing::debug!(request_id = target.request_id(), ?outcome, "cancel requested after timeout");
            return target.explain(error).with_cancellation(outcome);
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Submit(submission) => {
                let error = submission.timed_out(error);
                if self.options.cancel_on_timeout {
                    submission.withdraw();
                }
                error
            }
            Stage::Follow { target, .. } | Stage::Fetch { target, .. } => target.explain(error),
            Stage::Over => error,
        }
    }
}

/// Fetches the result of a completed request. fal keeps a result for minutes at least, so an outage is retried until the
/// patience of the client's policy is exhausted. The result of a failed request is an error, which is not an outage.
async fn fetch_patiently<O: DeserializeOwned>(target: &Target, update: &QueueUpdate) -> Result<Response<O>, Error> {
    let retry = &target.context.retry;
    let began = Instant::now();
    let mut failed = 0;
    loop {
        let error = match fetch(target).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        failed += 1;
        let delay = retry.delay_within_patience(Operation::Result, failed, began.elapsed(), &error);
        match delay.filter(|_| !update.has_failed()) {
            Some(delay) => tokio::time::sleep(delay).await,
            None => return Err(error),
        }
    }
}

/// The error of continuing after the last event. Callers do not see it, because a result or another error comes first.
fn already_finished() -> Error {
    Error::new(ErrorKind::Transport, "the request is already finished")
}

impl<O: 'static> Drop for Steps<O> {
    fn drop(&mut self) {
        if !self.options.cancel_on_drop {
            return;
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Submit(submission) => submission.withdraw(),
            Stage::Follow { target, .. } => in_background(async move { drop(cancel(&target).await) }),
            Stage::Fetch { .. } | Stage::Over => {}
        }
    }
}
