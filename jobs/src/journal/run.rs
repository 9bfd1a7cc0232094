use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use fal_client::{Client, EndpointInput, Handle};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::Journal;
use crate::error::{Error, ErrorKind};
use crate::files::{Prepared, Target};
use crate::key::derived;
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
    target: Option<Target>,
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
            target: None,
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

    /// Saves the files of the output into a folder, or to the writers of a [`Target`]. Default: none are saved.
    ///
    /// [`Record::files`] returns the saved files. If a file cannot be saved, the call fails with
    /// [`ErrorKind::File`], and the job stays completed: the same call, or [`Journal::download`], saves the rest.
    pub fn download_to(mut self, target: impl Into<Target>) -> Self {
        self.target = Some(target.into());
        self
    }

    async fn start(self) -> Result<Completed<O>, Error> {
        let Run { journal, client, endpoint, input, key, label, target, .. } = self;
        let input = Prepared::new(&client, input).await?;
        let key = key.unwrap_or_else(|| derived(&endpoint, &input.hash));
        let (canonical, input_hash) = (input.canonical.clone(), input.hash.clone());
        let new = NewRecord {
            key,
            endpoint,
            label,
            input: canonical,
            input_hash,
            request: None,
            budget: None,
            webhook: false,
        };
        let (record, _) = journal.store().insert(&new).await?;
        if record.endpoint != new.endpoint || record.input_hash != new.input_hash {
            let message = "the key belongs to another endpoint or input";
            return Err(Error::new(ErrorKind::KeyConflict, message).of(&new.key));
        }
        let request = input.request(journal.store());
        let mut record = journal.finish(&client, &new.key, request).await?;
        if let Some(target) = &target {
            record = journal.save_media(&client, &record, target).await?;
        }
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
