//! Takes a job from its state to a final one.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fal_client::serde_json::Value;
use fal_client::{Client, QueueUpdate, Response};
use futures_util::future::{Either, select};
use serde::de::IgnoredAny;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{debug, info};

use super::Journal;
use super::candidates::Candidate;
use super::policy::{OnFailed, OnUncertain};
use crate::claims::Claim;
use crate::error::{Error, ErrorKind};
use crate::failure::{Failure, FailureKind};
use crate::record::Record;
use crate::request::{RecordedEndpoint, RecordedInput, SubmitOptions};
use crate::state::{Event, State};

/// The interval at which a job of another process is read.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The interval at which fal's list of requests is searched for an uncertain job.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// The time for which a failing database is retried while it must record what fal has said.
const RECORD_PATIENCE: Duration = Duration::from_secs(120);

/// The first and the longest delay between these retries.
const RECORD_DELAYS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

pub(crate) type OnUpdate = Box<dyn FnMut(QueueUpdate) + Send>;

/// The way of a job to its end: whose client sends and follows it, and what decides on the way.
///
/// Dropping its future is as safe as a crash of the process.
pub(crate) struct Course<'a> {
    pub(super) journal: &'a Journal,
    pub(super) client: &'a Client,
    /// Used instead of the recorded options.
    pub(crate) options: Option<SubmitOptions>,
    pub(crate) on_failed: OnFailed,
    pub(crate) on_uncertain: OnUncertain,
    /// In a mutex only because a course is shared between threads.
    pub(crate) on_update: Mutex<Option<OnUpdate>>,
    pub(crate) logs: bool,
    /// Time at which waiting ends. A submission that is on its way is awaited nevertheless, because only its response has the
    /// request id.
    pub(crate) deadline: Option<Instant>,
    /// True if the course ends as soon as fal has accepted the job.
    pub(crate) only_submits: bool,
}

impl<'a> Course<'a> {
    pub(crate) fn new(journal: &'a Journal, client: &'a Client) -> Self {
        Course {
            journal,
            client,
            options: None,
            on_failed: OnFailed::default(),
            on_uncertain: OnUncertain::default(),
            on_update: Mutex::default(),
            logs: false,
            deadline: None,
            only_submits: false,
        }
    }

    /// Works on a job until it is final, or until another process has finished it. `claim` is set if it is claimed already.
    /// `request` makes the input as it is sent. It is called only if the job was not sent yet.
    pub(crate) async fn finish(
        self,
        mut record: Record,
        claim: Option<Claim<'_>>,
        request: impl Future<Output = Result<String, Error>>,
    ) -> Result<Record, Error> {
        if let Some(claim) = claim {
            return self.run(claim, record, request).await;
        }
        let (journal, store) = (self.journal, self.journal.store());
        let mut is_told = false;
        let (claim, record) = loop {
            if self.is_done(&record) {
                return Ok(record);
            }
            if let Some(taken) = journal.claims().take(store, &record.key).await? {
                break taken;
            }
            if !is_told {
                info!(target: "fal_jobs", key = &record.key, lease = ?store.lease, "waiting for another call or process");
                is_told = true;
            }
            self.before_deadline(sleep(POLL_INTERVAL), &record.key).await?;
            record = journal.existing(&record.key).await?;
        };
        self.run(claim, record, request).await
    }

    /// Works on a claimed job, renews the lease meanwhile, and gives the claim up at the end.
    pub(crate) async fn run(
        mut self,
        claim: Claim<'_>,
        record: Record,
        request: impl Future<Output = Result<String, Error>>,
    ) -> Result<Record, Error> {
        let (claims, store) = (self.journal.claims(), self.journal.store());
        let finished = match select(pin!(self.work(record, request)), pin!(claims.keep(store))).await {
            Either::Left((finished, _)) => finished,
            Either::Right((never, _)) => match never {},
        };
        match &finished {
            Ok(record) if record.claim.is_none() => claim.end(),
            _ => claim.release(store).await,
        }
        finished
    }

    /// Returns true if nothing is left to do.
    fn is_done(&self, record: &Record) -> bool {
        match record.state {
            State::Completed => true,
            State::Failed => !self.on_failed.retries(record),
            State::Submitted => self.only_submits,
            State::Waiting | State::Intended | State::Uncertain => false,
        }
    }

    /// Works on a job that this process has claimed. The caller renews the lease.
    pub(crate) async fn work(
        &mut self,
        mut record: Record,
        request: impl Future<Output = Result<String, Error>>,
    ) -> Result<Record, Error> {
        if record.state == State::Intended {
            // The process that had the claim has died, or its call was dropped.
            record = self.change(&record, Event::Doubt { attempt: record.attempt }).await?;
        }
        if record.state == State::Uncertain {
            record = self.resolve(record).await?;
        }
        if record.state == State::Failed && self.on_failed.retries(&record) {
            record = self.change(&record, Event::Permit { attempt: record.attempt }).await?;
        }
        if record.state == State::Waiting {
            record = self.send(record, request).await?;
        }
        if record.state == State::Submitted && !self.only_submits {
            record = self.follow(record).await?;
        }
        Ok(record)
    }

    /// Decides about an uncertain job. Returns it submitted, or waiting for another submission.
    async fn resolve(&self, mut record: Record) -> Result<Record, Error> {
        let OnUncertain::Resolve { permit_after } = self.on_uncertain else { return Err(uncertain(&record)) };
        loop {
            let candidates = self.journal.candidates(self.client, &record).await?;
            match &candidates[..] {
                [Candidate { request, is_equal: true }] => {
                    match self.journal.adopt(&record.key, &request.request_id).await {
                        // Another job with an equal input may have adopted it meanwhile.
                        Err(error) if error.kind() == ErrorKind::State => {}
                        adopted => return adopted,
                    }
                }
                [] => {
                    let after = permit_after.ok_or_else(|| undecided(&record, "fal does not list its request"))?;
                    let waited = record.read_at.saturating_sub(record.intended_at.unwrap_or_default());
                    let left = after.saturating_sub(Duration::from_millis(waited.try_into().unwrap_or_default()));
                    if left.is_zero() {
                        return self.change(&record, Event::Permit { attempt: record.attempt }).await;
                    }
                    self.before_deadline(sleep(left.min(LOOK_INTERVAL)), &record.key).await?;
                }
                [_] => return Err(undecided(&record, "fal lists a request whose input is not stored")),
                several => {
                    let message = format!("{} requests match", several.len());
                    return Err(undecided(&record, &message));
                }
            }
            record = self.journal.existing(&record.key).await?;
            if record.state != State::Uncertain {
                return Ok(record);
            }
        }
    }

    /// Commits the intent, submits the job, and records the outcome.
    async fn send(
        &self,
        record: Record,
        request: impl Future<Output = Result<String, Error>>,
    ) -> Result<Record, Error> {
        let request = self.before_deadline(request, &record.key).await??;
        let unreadable = |error| Error::new(ErrorKind::Input, "the input is not JSON").caused_by(error).of(&record.key);
        let input = RecordedInput::parse(request.clone()).map_err(unreadable)?;
        let options = match &self.options {
            Some(options) => options.clone(),
            None => recorded_options(&record)?,
        };
        let record = self.intend(&record, request, options.has_webhook()).await?;
        if record.state != State::Intended {
            return Ok(record);
        }
        let (key, attempt) = (&record.key, record.attempt);
        let call = options.apply(self.client.endpoint(RecordedEndpoint(record.endpoint.clone())).submit(input));
        debug!(target: "fal_jobs", key, attempt, "sending");
        let submitted = call.await;
        debug!(target: "fal_jobs", key, attempt, is_accepted = submitted.is_ok(), "sent");
        match submitted {
            Ok(job) => self.accepted(&record, job.request_id).await,
            Err(error) => self.refused(&record, error).await,
        }
    }

    /// Commits the intent to send a job. Returns the job as it is if it was sent already.
    async fn intend(&self, record: &Record, request: String, webhook: bool) -> Result<Record, Error> {
        let (key, claims, store) = (&record.key, self.journal.claims(), self.journal.store());
        debug!(target: "fal_jobs", key, state = record.state.as_str(), change = "intend", "committing");
        let intended = match store.intend(key, &claims.process(), request, webhook).await {
            Err(error) if error.kind() == ErrorKind::State => {
                let current = self.journal.existing(key).await?;
                return match current.state {
                    // The response to an earlier submission has arrived late.
                    State::Submitted | State::Completed => Ok(current),
                    // The caller has cancelled it meanwhile.
                    State::Failed => Err(failed(&current)),
                    _ => Err(error),
                };
            }
            intended => intended?,
        };
        let record = intended.ok_or_else(|| lost(key))?;
        let (state, attempt) = (record.state.as_str(), record.attempt);
        debug!(target: "fal_jobs", key, state, attempt, change = "intend", "committed");
        // Another process may have taken the job over while the intent was committed.
        if !claims.is_alive(store) {
            self.change(&record, Event::Withdraw { attempt }).await?;
            return Err(lost(key));
        }
        Ok(record)
    }

    /// Records the request id of an accepted job.
    async fn accepted(&self, record: &Record, request_id: String) -> Result<Record, Error> {
        let event = Event::Submit { attempt: record.attempt, request_id: request_id.clone() };
        self.change_patiently(record, event).await.map_err(|error| {
            let message = format!(
                "fal has accepted the job as request `{request_id}`, which cannot be recorded: adopt this request id"
            );
            Error::new(error.kind(), message).of(&record.key).of_request(&request_id).caused_by(error)
        })
    }

    /// Records the outcome of a submission that has failed.
    async fn refused(&self, record: &Record, error: fal_client::Error) -> Result<Record, Error> {
        let attempt = record.attempt;
        if error.may_have_been_accepted() {
            // It may be the id of the request, or of an attempt of fal's gateway.
            if let Some(request_id) = error.request_id() {
                let endpoint = self.client.endpoint(record.endpoint.as_str());
                if endpoint.status(request_id).await.is_ok() {
                    return self.accepted(record, request_id.to_owned()).await;
                }
            }
            let record = self.change_patiently(record, Event::Doubt { attempt }).await?;
            return Err(uncertain(&record).caused_by(error));
        }
        if !is_rejection(&error) {
            self.change_patiently(record, Event::Withdraw { attempt }).await?;
            let message = "fal has not accepted the job, which stays waiting";
            return Err(Error::new(ErrorKind::Request, message).of(&record.key).caused_by(error));
        }
        let failure = Failure::new(FailureKind::Rejected, &error, &record.input);
        self.fail(record, failure, error).await
    }

    /// Follows a submitted job to its outcome, and records it. The queue is not polled while a webhook may report the outcome.
    async fn follow(&mut self, record: Record) -> Result<Record, Error> {
        if record.webhook {
            let submitted = record.submitted_at.unwrap_or(record.read_at);
            let waited = Duration::from_millis(record.read_at.saturating_sub(submitted).try_into().unwrap_or_default());
            let patience = self.journal.webhook_patience().saturating_sub(waited);
            let outcome = self.journal.watch().outcome(self.journal.store(), &record.key);
            if let Ok(outcome) = self.before_deadline(timeout(patience, outcome), &record.key).await? {
                let record = outcome?;
                return if record.state == State::Failed { Err(failed(&record)) } else { Ok(record) };
            }
            debug!(target: "fal_jobs", key = &record.key, "no webhook");
        }
        self.follow_queue(record).await
    }

    /// Follows a submitted job in fal's queue, and records its outcome.
    pub(crate) async fn follow_queue(&mut self, record: Record) -> Result<Record, Error> {
        let key = &record.key;
        let request_id = record.request_id.clone().unwrap_or_default();
        let endpoint = self.client.endpoint(RecordedEndpoint(record.endpoint.clone()));
        let mut on_update = self.on_update.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        debug!(target: "fal_jobs", key, request_id, "following");
        let wait = endpoint.wait(request_id.clone()).logs(self.logs).on_update(move |update| {
            if let Some(call) = &mut on_update {
                call(update);
            }
        });
        let followed = self.before_deadline(wait.send(), key).await?;
        debug!(target: "fal_jobs", key, request_id, is_completed = followed.is_ok(), "followed");
        self.record(&record, followed).await
    }

    /// Records the outcome of a submitted job.
    pub(crate) async fn record(
        &self,
        record: &Record,
        outcome: Result<Response<Value>, fal_client::Error>,
    ) -> Result<Record, Error> {
        let key = &record.key;
        let error = match outcome {
            Ok(response) => {
                let request_id = record.request_id.clone().unwrap_or_default();
                // PostgreSQL has no NUL in texts. In JSON it can only be in a string, where its escape is equal.
                let output = String::from_utf8_lossy(&response.body).replace('\0', "\\u0000");
                let units = response.headers.get("x-fal-billable-units").and_then(|units| units.to_str().ok());
                let units = units.map(str::to_owned);
                return self.change_patiently(record, Event::Complete { request_id, output, units }).await;
            }
            Err(error) => error,
        };
        let kind = match error.is_outcome() {
            true if error.is_cancelled() => FailureKind::Cancelled,
            true => FailureKind::Failed,
            false if is_unknown(&error) => FailureKind::Expired,
            // The request may still complete.
            false => {
                let message = "the request cannot be followed, and may still complete: run the job again to continue";
                return Err(Error::new(ErrorKind::Request, message).of(key).caused_by(error));
            }
        };
        self.journal.uploads().forget_lost(self.client, record.request.as_deref(), &error).await?;
        self.fail(record, Failure::new(kind, &error, &record.input), error).await
    }

    /// Records a failure, and returns its error.
    async fn fail(&self, record: &Record, failure: Failure, error: fal_client::Error) -> Result<Record, Error> {
        let units = error.headers().and_then(|headers| headers.get("x-fal-billable-units")?.to_str().ok());
        let units = units.map(str::to_owned);
        let (attempt, request_id) = (record.attempt, record.request_id.clone());
        let event = Event::Fail { attempt, request_id, error: failure.to_json(), units };
        let changed = self.change_patiently(record, event).await?;
        match changed.state {
            State::Failed => Err(failed(&changed).caused_by(error)),
            // Another process has finished it.
            _ => Ok(changed),
        }
    }

    /// Commits a change. Returns the job as it is if another process has finished it already.
    async fn change(&self, record: &Record, event: Event) -> Result<Record, Error> {
        let key = &record.key;
        match self.journal.store().apply(key, &event).await {
            Err(error) if error.kind() == ErrorKind::State => {
                let current = self.journal.store().get(key).await?;
                current.filter(|current| current.state.is_final() && current.attempt == record.attempt).ok_or(error)
            }
            changed => changed,
        }
    }

    /// Commits a change that must not be lost. Retries for a while if the database fails.
    async fn change_patiently(&self, record: &Record, event: Event) -> Result<Record, Error> {
        let (mut delay, longest) = RECORD_DELAYS;
        let started = Instant::now();
        loop {
            match self.change(record, event.clone()).await {
                Err(error) if error.kind() == ErrorKind::Database && started.elapsed() < RECORD_PATIENCE => {
                    debug!(target: "fal_jobs", key = &record.key, %error, "the database fails");
                }
                changed => return changed,
            }
            sleep(delay).await;
            delay = (delay * 2).min(longest);
        }
    }

    /// Awaits a future until the time limit of the call.
    async fn before_deadline<T>(&self, future: impl Future<Output = T>, key: &str) -> Result<T, Error> {
        let Some(deadline) = self.deadline else { return Ok(future.await) };
        timeout_at(deadline, future).await.map_err(|_| {
            let message = "the time limit has passed before the job was finished: run it again to continue";
            Error::new(ErrorKind::Timeout, message).of(key)
        })
    }
}

/// Returns true if fal itself rejected a submission because of the job. A failure on the way to fal, or one of the key, the
/// account or this client's settings passes, and leaves the job waiting.
fn is_rejection(error: &fal_client::Error) -> bool {
    let is_about_account = error.is_unauthorized() || error.is_permission_denied() || error.is_account_locked();
    error.kind() == fal_client::ErrorKind::Service && !error.is_retryable() && !is_about_account && is_json(error)
}

/// Returns true if fal does not know a request.
fn is_unknown(error: &fal_client::Error) -> bool {
    error.status().is_some_and(|status| status.as_u16() == 404) && is_json(error)
}

/// Returns true if the response is JSON. fal's own responses are, and pages of gateways are not.
fn is_json(error: &fal_client::Error) -> bool {
    error.body().is_some_and(|body| serde_json::from_slice::<IgnoredAny>(body).is_ok())
}

/// Returns the options that a job was recorded with.
pub(crate) fn recorded_options(record: &Record) -> Result<SubmitOptions, Error> {
    let Some(json) = &record.options else { return Ok(SubmitOptions::default()) };
    let unreadable = |error| Error::new(ErrorKind::Input, "the recorded options are not readable").caused_by(error);
    serde_json::from_str(json).map_err(|error| unreadable(error).of(&record.key))
}

fn lost(key: &str) -> Error {
    let message =
        "the lease expired before the job was sent, because the database or this process was too slow: run it again";
    Error::new(ErrorKind::State, message).of(key)
}

fn uncertain(record: &Record) -> Error {
    let message = "it is unknown whether fal has accepted the submission: look for its request, adopt its id, or permit another \
                   submission";
    Error::new(ErrorKind::Uncertain, message).of(&record.key)
}

/// Returns the error of a job that stays uncertain.
fn undecided(record: &Record, reason: &str) -> Error {
    let message = format!(
        "it is unknown whether fal has accepted the submission, and {reason}: adopt a request id, or permit another submission"
    );
    Error::new(ErrorKind::Uncertain, message).of(&record.key)
}

/// Returns the error of a failed job.
pub(crate) fn failed(record: &Record) -> Error {
    let failure = record.failure();
    let message = match &failure {
        Some(failure) if failure.kind == FailureKind::Expired => {
            "the job has failed, because fal does not know its request (a failed job can adopt another one)"
        }
        _ => "the job has failed",
    };
    let error = Error::new(ErrorKind::Failed, message).of(&record.key);
    match failure {
        Some(failure) => error.with_failure(failure),
        None => error,
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use fal_client::endpoints::fal_ai::flux::dev::redux;
    use fal_emulator::{Emulator, Pace};

    use super::*;

    #[tokio::test]
    async fn request_id_that_arrives_before_the_next_intent_is_followed() -> Result<(), Box<dyn std::error::Error>> {
        let emulator = Emulator::builder().pace(Pace::instant()).start().await?;
        let client = emulator.client();
        let folder = tempfile::tempdir()?;
        let journal = Journal::open(&format!("sqlite://{}", folder.path().join("jobs.db").display())).await?;
        let redux = client.endpoint(redux::ENDPOINT);
        let input = redux::Input::builder().image_url("https://example.com/fox.png").build();
        let record = journal.enqueue(&redux, input.clone()).key("fox").await?;
        let text = record.request.clone().ok_or("no request")?;
        let late = async {
            let request_id = redux.submit(input).await.expect("a request").request_id;
            journal.store().apply("fox", &Event::Submit { attempt: 0, request_id }).await.map(|_| text)
        };
        let finished = Course::new(&journal, &client).finish(record, None, late).await?;
        assert_eq!((finished.state, emulator.jobs().len()), (State::Completed, 1));
        Ok(())
    }
}
