use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use fal_client::{Client, EndpointInput, Handle};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::{Budget, Journal};
use crate::error::{Error, ErrorKind};
use crate::key::{canonical, derived, hash};
use crate::record::{NewRecord, Record};
use crate::state::State;

/// A completed job.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Completed<O> {
    /// The output.
    pub data: O,
    /// The job.
    pub record: Record,
}

/// Runs a job of a journal. Starts when awaited.
#[must_use = "a call does nothing until it is awaited"]
pub struct Run<I, O> {
    journal: Journal,
    client: Client,
    endpoint: String,
    input: I,
    key: Option<String>,
    label: Option<String>,
    budget: Option<Budget>,
    of: PhantomData<fn() -> O>,
}

impl Journal {
    /// Runs an endpoint, unless the journal has the job already: then this continues it, or returns its recorded result.
    pub fn run<I: EndpointInput, O>(&self, handle: &Handle<I, O>, input: impl Into<I>) -> Run<I, O> {
        Run {
            journal: self.clone(),
            client: handle.client().clone(),
            endpoint: handle.id().to_owned(),
            input: input.into(),
            key: None,
            label: None,
            budget: None,
            of: PhantomData,
        }
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> Run<I, O> {
    /// Sets the key. Default: the endpoint's id with the SHA-256 of the input.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets a label, by which jobs can be listed. Default: none.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Charges the job to a budget. Default: none.
    ///
    /// The call fails before the job is sent if the budget cannot reserve the [estimate](Budget::estimate) of the job
    /// ([`ErrorKind::Budget`](crate::ErrorKind::Budget)). A job that was sent earlier stays in its budget.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    async fn start(self) -> Result<Completed<O>, Error> {
        let Run { journal, client, endpoint, input, key, label, budget, .. } = self;
        input.validate().map_err(|error| Error::new(ErrorKind::Input, "invalid input").caused_by(error))?;
        let value = serde_json::to_value(&input)
            .map_err(|error| Error::new(ErrorKind::Input, "cannot serialize the input").caused_by(error))?;
        let input = canonical(&value);
        let input_hash = hash(&input);
        let key = key.unwrap_or_else(|| derived(&endpoint, &input_hash));
        let billing = journal.billing(&endpoint, budget.as_ref())?;
        let new = NewRecord {
            key,
            endpoint,
            label,
            input,
            input_hash,
            request: None,
            billing,
            webhook: false,
            enqueued: false,
        };
        let (record, _) = journal.store().insert(&new).await?;
        if record.endpoint != new.endpoint || record.input_hash != new.input_hash {
            let message = "the key belongs to another endpoint or input";
            return Err(Error::new(ErrorKind::KeyConflict, message).of(&new.key));
        }
        let request = async { Ok(value.to_string()) };
        let record = journal.finish(&client, &new.key, request).await?;
        completed(record)
    }
}

/// Reads the output of a job.
fn completed<O: DeserializeOwned>(record: Record) -> Result<Completed<O>, Error> {
    match (&record.state, &record.output) {
        (State::Completed, Some(output)) => {
            let data = serde_json::from_str(output).map_err(|error| {
                Error::new(ErrorKind::State, "the recorded output does not match its type")
                    .caused_by(error)
                    .of(&record.key)
            })?;
            Ok(Completed { data, record })
        }
        (_, _) => {
            let message = record.error.clone().unwrap_or_else(|| "the job is not completed".to_owned());
            Err(Error::new(ErrorKind::Request, message).of(&record.key))
        }
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> IntoFuture for Run<I, O> {
    type Output = Result<Completed<O>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start().boxed()
    }
}

impl<I, O> fmt::Debug for Run<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("endpoint", &self.endpoint).field("key", &self.key).finish_non_exhaustive()
    }
}
