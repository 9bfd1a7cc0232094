use std::fmt;
use std::future::IntoFuture;

use fal_client::{EndpointInput, Handle};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::error::{Error, ErrorKind};
use crate::journal::Journal;
use crate::key::{canonical, derived, hash};
use crate::record::{NewRecord, Record};

/// Records a job for the workers of a journal. Starts when awaited, and returns the recorded job.
///
/// Created by [`Journal::enqueue`].
#[must_use = "a call does nothing until it is awaited"]
pub struct Enqueue<I> {
    journal: Journal,
    endpoint: String,
    input: I,
    key: Option<String>,
    label: Option<String>,
}

impl Journal {
    /// Records a job, which a [`Worker`](crate::Worker) of any process then runs. A job whose key the journal has already is left
    /// as it is.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_jobs::Journal;
    ///
    /// let journal = Journal::open("postgres://localhost/jobs").await?;
    /// let redux = client.endpoint(redux::ENDPOINT);
    /// let input = redux::Input::builder().image_url("https://example.com/fox.png");
    /// let job = journal.enqueue(&redux, input).key("fox").await?;
    /// println!("{} is {}", job.key, job.state);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The input is invalid ([`ErrorKind::Input`](crate::ErrorKind::Input)).
    /// - The key belongs to another endpoint or input ([`ErrorKind::KeyConflict`](crate::ErrorKind::KeyConflict)).
    /// - The database fails ([`ErrorKind::Database`](crate::ErrorKind::Database)).
    pub fn enqueue<I: EndpointInput, O>(&self, handle: &Handle<I, O>, input: impl Into<I>) -> Enqueue<I> {
        let (journal, endpoint) = (self.clone(), handle.id().to_owned());
        Enqueue { journal, endpoint, input: input.into(), key: None, label: None }
    }
}

impl<I: EndpointInput> Enqueue<I> {
    /// Sets the key. Default: the endpoint's id with the SHA-256 of the input.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets a label, by which jobs can be listed and workers can choose. Default: none.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    async fn start(self) -> Result<Record, Error> {
        let Enqueue { journal, endpoint, input, key, label } = self;
        input.validate().map_err(|error| Error::new(ErrorKind::Input, "invalid input").caused_by(error))?;
        let value = serde_json::to_value(&input)
            .map_err(|error| Error::new(ErrorKind::Input, "cannot serialize the input").caused_by(error))?;
        let input = canonical(&value);
        let input_hash = hash(&input);
        let key = key.unwrap_or_else(|| derived(&endpoint, &input_hash));
        let request = Some(value.to_string());
        let billing = journal.billing(&endpoint, None)?;
        let new =
            NewRecord { key, endpoint, label, input, input_hash, request, billing, webhook: false, enqueued: true };
        let (record, _) = journal.store().insert(&new).await?;
        if record.endpoint != new.endpoint || record.input_hash != new.input_hash {
            let message = "the key belongs to another endpoint or input";
            return Err(Error::new(ErrorKind::KeyConflict, message).of(&new.key));
        }
        Ok(record)
    }
}

impl<I: EndpointInput + Send + 'static> IntoFuture for Enqueue<I> {
    type Output = Result<Record, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start().boxed()
    }
}

impl<I> fmt::Debug for Enqueue<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enqueue").field("endpoint", &self.endpoint).field("key", &self.key).finish_non_exhaustive()
    }
}
