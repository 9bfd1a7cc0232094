//! Takes a job from its state to a final one.

use std::pin::pin;
use std::time::Duration;

use fal_client::{Client, JsonInput};
use futures_util::future::{Either, select};
use serde_json::Value;
use tokio::time::sleep;

use super::Journal;
use crate::error::{Error, ErrorKind};
use crate::files::forget_lost;
use crate::record::Record;
use crate::state::{Event, State};

/// The interval at which a job of another process is read.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

impl Journal {
    /// Works on a job until it is final, and returns it. `request` makes the input as it is sent, with the URLs of uploaded
    /// files. It is called only if the job was not sent yet.
    pub(crate) async fn finish(
        &self,
        client: &Client,
        key: &str,
        request: impl Future<Output = Result<String, Error>>,
    ) -> Result<Record, Error> {
        let claim = self.claims().claim();
        let record = loop {
            if let Some(record) = self.store().claim(key, &claim.name).await? {
                break record;
            }
            let record = self.store().get(key).await?;
            if let Some(record) = record.filter(|record| record.state.is_final()) {
                return Ok(record);
            }
            sleep(POLL_INTERVAL).await;
        };
        let finished = {
            let (work, keep) = (pin!(self.work(client, record, request)), pin!(self.claims().keep(self.store())));
            match select(work, keep).await {
                Either::Left((finished, _)) => finished,
                Either::Right((error, _)) => Err(error),
            }
        };
        claim.release(self.store(), key).await?;
        finished
    }

    async fn work(
        &self,
        client: &Client,
        mut record: Record,
        request: impl Future<Output = Result<String, Error>>,
    ) -> Result<Record, Error> {
        if record.state == State::Waiting {
            record = self.send(client, record, request).await?;
        }
        match record.state {
            // The process that had the claim has died.
            State::Intended => {
                let event = Event::Doubt { attempt: record.attempt };
                Err(uncertain(&self.store().apply(&record.key, &event).await?))
            }
            State::Uncertain => Err(uncertain(&record)),
            State::Submitted => self.follow(client, record).await,
            State::Completed | State::Failed | State::Waiting => Ok(record),
        }
    }

    /// Commits the intent, submits the job, and records the outcome.
    async fn send(
        &self,
        client: &Client,
        record: Record,
        request: impl Future<Output = Result<String, Error>>,
    ) -> Result<Record, Error> {
        let key = &record.key;
        let request = request.await?;
        let input: Value = serde_json::from_str(&request)
            .map_err(|error| Error::new(ErrorKind::Input, "the recorded input is not JSON").caused_by(error).of(key))?;
        let record = self.store().apply(key, &Event::Intend { request, reserved: 0, webhook: false }).await?;
        let attempt = record.attempt;
        let submitted = client.endpoint(record.endpoint.clone()).submit(JsonInput::from(input)).await;
        let error = match submitted {
            Ok(job) => return self.store().apply(key, &Event::Submit { attempt, request_id: job.request_id }).await,
            Err(error) => error,
        };
        if error.may_have_been_accepted() {
            let record = self.store().apply(key, &Event::Doubt { attempt }).await?;
            return Err(uncertain(&record).caused_by(error));
        }
        let event = match error.is_retryable() {
            true => Event::Withdraw { attempt },
            false => Event::Fail { attempt, error: error.to_string(), cost: None },
        };
        self.store().apply(key, &event).await?;
        Err(Error::new(ErrorKind::Request, "the submission failed").caused_by(error).of(key))
    }

    /// Follows a submitted job, and records its outcome.
    async fn follow(&self, client: &Client, record: Record) -> Result<Record, Error> {
        let (key, attempt) = (&record.key, record.attempt);
        let request_id = record.request_id.clone().unwrap_or_default();
        match client.endpoint(record.endpoint.clone()).wait(request_id.clone()).await {
            Ok(response) => {
                let output = String::from_utf8_lossy(&response.body).into_owned();
                let units = response.headers.get("x-fal-billable-units").and_then(|units| units.to_str().ok());
                let units = units.map(str::to_owned);
                self.store().apply(key, &Event::Complete { request_id, output, units, cost: None }).await
            }
            // The request may still complete.
            Err(error) if error.may_have_been_accepted() => {
                Err(Error::new(ErrorKind::Request, "the request cannot be followed").caused_by(error).of(key))
            }
            Err(error) => {
                forget_lost(self.store(), client, record.request.as_deref(), &error).await?;
                let event = Event::Fail { attempt, error: error.to_string(), cost: None };
                self.store().apply(key, &event).await?;
                Err(Error::new(ErrorKind::Request, "the request failed").caused_by(error).of(key))
            }
        }
    }
}

fn uncertain(record: &Record) -> Error {
    let message = "it is unknown whether fal has accepted the submission: look for its request, adopt its id, or permit another \
                   submission";
    Error::new(ErrorKind::Uncertain, message).of(&record.key)
}
