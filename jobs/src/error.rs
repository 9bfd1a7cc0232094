use std::error::Error as StdError;
use std::fmt;

use crate::failure::Failure;

/// The number of invalid items that the message of an error has.
const MAX_SHOWN: usize = 3;

/// An error of a journal.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// use fal_jobs::ErrorKind;
///
/// match journal.resume(&client, "hero-image").await {
///     Err(error) if error.kind() == ErrorKind::Request => println!("try again later: {error}"),
///     Err(error) if error.kind() == ErrorKind::Uncertain => println!("decide about {:?}: {error}", error.key()),
///     job => println!("{}", job?.state),
/// }
/// # Ok(())
/// # }
/// ```
///
/// [`kind`](Error::kind) says what failed. An error of fal-client is the [`source`](StdError::source), and
/// [`client`](Error::client) returns it.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    key: Option<String>,
    request_id: Option<String>,
    failure: Option<Box<Failure>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    invalid: Box<[InvalidItem]>,
}

/// An item of a batch that is invalid. See [`Error::invalid_items`].
#[derive(Debug)]
#[non_exhaustive]
pub struct InvalidItem {
    /// The index of the item in the source. The first item has 0.
    pub index: u64,
    /// The caller's key.
    pub key: Option<String>,
    /// The violation.
    pub error: Error,
}

/// Categories of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The database cannot be opened, read or written. Nothing was sent, unless the message says otherwise.
    Database,
    /// The database was written by a newer version of this crate.
    NewerVersion,
    /// A setting is invalid, such as the database's URL.
    Configuration,
    /// The input cannot be used. Nothing was sent.
    Input,
    /// The key belongs to another endpoint or input.
    KeyConflict,
    /// It is unknown whether fal has accepted the request. The caller decides how to continue.
    Uncertain,
    /// The job does not exist.
    NotFound,
    /// The job's state does not allow the operation.
    State,
    /// A request to fal failed, for example because fal cannot be reached, or refuses the key. The job is not finished: running
    /// it again continues it.
    Request,
    /// The job has failed for good, or was cancelled. [`Error::failure`] has the recorded error.
    Failed,
    /// The time limit of the call has passed. Running the job again continues it.
    Timeout,
    /// The budget does not allow the request. Nothing was sent.
    Budget,
    /// The item of a batch was not started, because the batch has stopped.
    NotStarted,
    /// The recorded output does not match the type that the call expects, or was [redacted](crate::Journal::redact).
    Output,
    /// An output file cannot be saved.
    File,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Error { kind, message, key: None, request_id: None, failure: None, source: None, invalid: Box::default() }
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn of(mut self, key: &str) -> Self {
        self.key.get_or_insert_with(|| key.to_owned());
        self
    }

    pub(crate) fn of_request(mut self, request_id: &str) -> Self {
        self.request_id = Some(request_id.to_owned());
        self
    }

    pub(crate) fn with_failure(mut self, failure: Failure) -> Self {
        self.request_id = self.request_id.or_else(|| failure.request_id.clone());
        self.failure = Some(Box::new(failure));
        self
    }

    /// Creates the error of a batch with invalid items.
    pub(crate) fn of_items(invalid: Vec<InvalidItem>, total: u64) -> Self {
        let mut message = format!("{} of {total} items are invalid", invalid.len());
        for (index, item) in invalid.iter().take(MAX_SHOWN).enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            let key = item.key.as_ref().map(|key| format!(" (`{}`)", key.escape_debug())).unwrap_or_default();
            message.push_str(&format!("{separator}item index {}{key}: {}", item.index, item.error));
        }
        if invalid.len() > MAX_SHOWN {
            message.push_str("; …");
        }
        Error { invalid: invalid.into(), ..Error::new(ErrorKind::Input, message) }
    }

    /// Returns the message and its cause, without the key.
    pub(crate) fn without_key(&self) -> String {
        match (&self.failure, &self.source) {
            (Some(failure), _) => format!("{}: {}", self.message, failure.message),
            (None, Some(source)) => match source.to_string() {
                // fal-client calls an invalid input so, too.
                source if source.starts_with(&format!("{}: ", self.message)) => source,
                source => format!("{}: {source}", self.message),
            },
            (None, None) => self.message.clone(),
        }
    }

    /// Returns the message without its cause.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the invalid items of a batch, by index.
    pub fn invalid_items(&self) -> &[InvalidItem] {
        &self.invalid
    }

    /// Returns the category.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the key of the job, if the error is about one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the request id, if fal has accepted the job.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref().or_else(|| self.client()?.request_id())
    }

    /// Returns the recorded error, if the job has failed ([`ErrorKind::Failed`]).
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// Returns the error of fal-client, if a request of this call failed. The error of a job that failed earlier has a
    /// [`failure`](Self::failure) only.
    pub fn client(&self) -> Option<&fal_client::Error> {
        self.source.as_ref()?.downcast_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "job `{}`: ", key.escape_debug())?;
        }
        f.write_str(&self.without_key())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
