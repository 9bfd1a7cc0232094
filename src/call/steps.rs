use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span};

use super::any_output::AnyOutput;
use super::background::in_background;
use super::cancel::{cancel, cancel_quickly, cancelled};
use super::fetch_result::fetch;
use super::follow_options::FollowOptions;
use super::job_event::JobEvent;
use super::response::Response;
use super::span::record_request_id;
use super::submission::{Sent, Submission, accepted, told};
use crate::error::{Error, ErrorKind};
use crate::protocol::{Cancellation, Failure, Metrics, QueueUpdate, RawResponse};
use crate::queue::{Follower, Job, Patience, Target};
use crate::text::shown;
use crate::transport::{Bucket, Operation, Verdict, check_runtime, deadline, until, verdict};

/// Time limit for fetching a result that was there before its cancellation.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The caller's callbacks.
pub(super) type OnEnqueue<'a> = Box<dyn FnOnce(Job<()>) + Send + 'a>;
pub(super) type OnUpdate<'a> = Box<dyn FnMut(QueueUpdate) + Send + 'a>;

/// Takes a request from its submission to its result, one event at a time.
pub(super) struct Steps<'a> {
    course: Course,
    options: FollowOptions<'a>,
    /// The caller's deadline, if there is one. Set at the first step.
    deadline: Option<Option<Instant>>,
}

/// The stage of a request, and what it needs to reach the next one.
struct Course {
    stage: Stage,
    logs: bool,
    /// True once fal has accepted a request of this call.
    is_accepted: bool,
    /// The caller's bucket for outputs.
    bucket: Option<Bucket>,
    span: Span,
    /// Held until the request is finished, if the client limits its requests in flight.
    turn: Option<OwnedSemaphorePermit>,
}

enum Stage {
    Submit(Submission),
    Follow { target: Target, follower: Box<Follower> },
    Fetch { target: Target, update: QueueUpdate },
    Over,
}

impl<'a> Steps<'a> {
    /// Starts with a submission.
    pub(super) fn submit(submission: Submission, options: FollowOptions<'a>) -> Self {
        let (endpoint, bucket) = (&*submission.endpoint, submission.bucket.clone());
        let span = tracing::info_span!("fal.subscribe", endpoint = shown(endpoint), request_id = tracing::field::Empty);
        Steps::new(Stage::Submit(submission), bucket, options, span)
    }

    /// Starts with a request that was submitted before.
    pub(super) fn follow(target: Target, options: FollowOptions<'a>) -> Self {
        let (endpoint, request_id) = (target.endpoint.as_str(), target.request_id());
        let span = tracing::info_span!("fal.wait", endpoint = shown(endpoint), request_id = shown(request_id));
        let follower = Box::new(Follower::new(target.clone(), options.logs));
        Steps::new(Stage::Follow { target, follower }, None, options, span)
    }

    fn new(stage: Stage, bucket: Option<Bucket>, options: FollowOptions<'a>, span: Span) -> Self {
        let course = Course { stage, logs: options.logs, is_accepted: false, bucket, span, turn: None };
        Steps { course, options, deadline: None }
    }

    /// Returns the next event, or `None` after the result or an error. Boxed, so that it is compiled in this crate.
    pub(super) fn next<'b>(
        &'b mut self,
        output: &'b mut (dyn AnyOutput + Send),
    ) -> BoxFuture<'b, Option<Result<JobEvent<()>, Error>>> {
        self.advance(output).boxed()
    }

    async fn advance(&mut self, output: &mut (dyn AnyOutput + Send)) -> Option<Result<JobEvent<()>, Error>> {
        if matches!(self.course.stage, Stage::Over) {
            return None;
        }
        let span = self.course.span.clone();
        let event = self.event(output).instrument(span).await;
        let of_result = matches!(self.course.stage, Stage::Fetch { .. });
        // Dropping a finished request must not cancel it.
        if matches!(event, Err(_) | Ok(JobEvent::Completed(_))) {
            self.course.stage = Stage::Over;
            self.course.turn = None;
        }
        Some(event.map_err(|error| match self.course.is_accepted {
            true => accepted(error, of_result),
            false => told(error, of_result),
        }))
    }

    /// Takes the next step, unless the caller's signal or deadline comes first.
    async fn event(&mut self, output: &mut (dyn AnyOutput + Send)) -> Result<JobEvent<()>, Error> {
        check_runtime()?;
        let deadline = *self.deadline.get_or_insert_with(|| self.options.timeout.and_then(deadline));
        let first = {
            let step = pin!(self.course.step(output));
            match select(pin!(self.options.cancel_when.given()), pin!(until(deadline, step))).await {
                Either::Left(((), _)) => None,
                Either::Right((event, _)) => Some(event),
            }
        };
        match first {
            Some(Ok(event)) => event,
            Some(Err(attempts)) => Err(self.timed_out().await.with_attempts_so_far(attempts)),
            None => self.course.cancelled(output).await,
        }
    }

    /// Follows the request to its end and calls the callbacks. Boxed, so that it is compiled in this crate.
    pub(super) fn finish<'b>(
        mut self,
        mut on_enqueue: Option<OnEnqueue<'b>>,
        mut on_update: Option<OnUpdate<'b>>,
        output: &'b mut (dyn AnyOutput + Send),
    ) -> BoxFuture<'b, Result<Response<()>, Error>>
    where
        'a: 'b,
    {
        let finish = async move {
            loop {
                match self.advance(output).await {
                    Some(Ok(JobEvent::Enqueued(job))) => {
                        if let Some(call) = on_enqueue.take() {
                            call(job);
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
        };
        finish.boxed()
    }

    /// Returns the error of a request whose time limit has passed. Cancels the request if the options say so.
    async fn timed_out(&mut self) -> Error {
        let error = Error::timeout("the request", self.options.timeout.unwrap_or_default());
        let cancels = self.options.cancel_on_timeout;
        match &mut self.course.stage {
            Stage::Submit(submission) => {
                let error = submission.timed_out(error);
                if cancels {
                    submission.withdraw();
                }
                error
            }
            // The stage stays as it is, so that the request is also cancelled if the future is dropped here.
            Stage::Follow { target, .. } if cancels => {
                let target = target.clone();
                let outcome = cancel_quickly(&target).await;
                target.explain(error).with_cancellation(outcome)
            }
            Stage::Follow { target, .. } | Stage::Fetch { target, .. } => target.explain(error),
            Stage::Over => error,
        }
    }
}

impl Course {
    async fn step(&mut self, output: &mut (dyn AnyOutput + Send)) -> Result<JobEvent<()>, Error> {
        match &mut self.stage {
            Stage::Submit(submission) => {
                let sent = (&mut submission.sent).await?;
                Ok(JobEvent::Enqueued(self.accepted(sent)))
            }
            Stage::Follow { target, follower } => {
                let update = follower.next().await?;
                if update.is_completed() {
                    self.stage = Stage::Fetch { target: target.clone(), update: update.clone() };
                }
                Ok(JobEvent::Update(update))
            }
            Stage::Fetch { target, update } => {
                let mut response = fetch_patiently(target, update.failure(), output).await?;
                if let QueueUpdate::Completed { metrics, .. } = update {
                    response.metrics = std::mem::take(metrics);
                }
                if let Some(bucket) = &self.bucket {
                    response.look_for_files_in(bucket, &target.context, &target.endpoint);
                }
                Ok(JobEvent::Completed(response))
            }
            Stage::Over => Err(already_finished()),
        }
    }

    /// Continues with a job that fal has accepted.
    fn accepted(&mut self, (job, turn): Sent) -> Job<()> {
        self.turn = turn;
        self.is_accepted = true;
        record_request_id(&self.span, &job.request_id);
        if let Stage::Submit(submission) = &self.stage {
            let target = Target::new(submission.client.context().clone(), job.endpoint.clone(), &job);
            let follower = Box::new(Follower::submitted(target.clone(), self.logs));
            self.stage = Stage::Follow { target, follower };
        }
        job
    }

    /// Cancels the request because of the caller's signal. If the request is completed already, its result is billed, and is
    /// the outcome. The stage stays as it is while fal has not responded, so that dropping the future cancels the request,
    /// too.
    async fn cancelled(&mut self, output: &mut (dyn AnyOutput + Send)) -> Result<JobEvent<()>, Error> {
        if let Stage::Submit(submission) = &mut self.stage {
            let sent = submission.settle().await?;
            self.accepted(sent);
        }
        if let Stage::Follow { target, .. } = &self.stage {
            let target = target.clone();
            match cancel_quickly(&target).await {
                Some(Cancellation::AlreadyCompleted) => {
                    let update =
                        QueueUpdate::Completed { logs: Vec::new(), metrics: Metrics::default(), failure: None };
                    self.stage = Stage::Fetch { target, update };
                }
                outcome => return Err(cancelled(&target, outcome)),
            }
        }
        let Stage::Fetch { target, .. } = &self.stage else { return Err(already_finished()) };
        let target = target.clone();
        match timeout(FETCH_TIMEOUT, self.step(output)).await {
            Ok(event) => event,
            Err(_) => Err(cancelled(&target, Some(Cancellation::AlreadyCompleted))),
        }
    }
}

/// Fetches the result of a completed request. fal keeps a result for minutes at least, so failures that say nothing about the
/// request are waited out until the patience of the client's policy is exhausted.
///
/// `failure` is the failure that the queue has reported. Such a request has no output, whatever the response is.
async fn fetch_patiently(
    target: &Target,
    failure: Option<&Failure>,
    output: &mut (dyn AnyOutput + Send),
) -> Result<Response<()>, Error> {
    let retry = &target.context.retry;
    let mut patience = Patience::new(Operation::Result);
    let mut unusable = None;
    loop {
        let error = match fetch(target, failure, output).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        // It may have been garbled on its way. The same body twice is the model's own.
        let body = unusable_output(&error);
        if body.is_some() && body == unusable {
            return Err(error);
        }
        let is_repeated = body.is_some() && !retry.patience.is_zero();
        unusable = body;
        let delay = match patience.delay(retry, error) {
            Err(_) if is_repeated => retry.backoff(1),
            delay => delay?,
        };
        tokio::time::sleep(delay).await;
    }
}

/// Returns the body of a model's response that is not an output. Neither a page of a gateway nor the queue's word is one.
pub(super) fn unusable_output(error: &Error) -> Option<Bytes> {
    let is_unusable =
        error.kind() == ErrorKind::UnexpectedResponse && verdict(Operation::Result, error) != Verdict::Pending;
    let is_plain = |response: &RawResponse| response.status.is_success() && response.content_encoding().is_none();
    let response = error.response().filter(|response| is_unusable && is_plain(response))?;
    (response.has_request_id() || response.json().is_some()).then(|| response.body.clone())
}

/// The error of continuing after the last event. Callers do not see it, because a result or another error comes first.
fn already_finished() -> Error {
    Error::new(ErrorKind::Transport, "the request is already finished")
}

impl Drop for Steps<'_> {
    fn drop(&mut self) {
        if !self.options.cancel_on_drop {
            return;
        }
        match std::mem::replace(&mut self.course.stage, Stage::Over) {
            Stage::Submit(mut submission) => submission.withdraw(),
            Stage::Follow { target, .. } => in_background(Box::pin(async move { drop(cancel(&target).await) })),
            Stage::Fetch { .. } | Stage::Over => {}
        }
    }
}
