//! The jobs whose webhooks are delivered.

use std::time::{Duration, Instant, SystemTime};

use fal_client::Client;
use fal_jobs::{ErrorKind, Filter, Journal, Record, State};
use futures_util::TryStreamExt;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::sleep;

use super::Arguments;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::online;
use crate::terminal::Terminal;

/// The interval at which the journal is read.
const JOURNAL_INTERVAL: Duration = Duration::from_millis(500);

/// The interval at which fal's list of requests is read.
const HISTORY_INTERVAL: Duration = Duration::from_secs(3);

/// A request of fal's queue.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) endpoint: String,
    pub(super) request_id: String,
}

/// The source of the jobs.
pub(super) enum Source {
    /// The jobs that the user has named.
    Named(Vec<Job>),
    /// The unfinished and new jobs of the journal, and new requests of an endpoint.
    Live { journal: Journal, endpoint: Option<String>, began: SystemTime },
}

impl Source {
    /// Finds the jobs that are named, or opens the journal.
    ///
    /// # Errors
    ///
    /// A job is neither in the journal nor of a named endpoint, or was not sent yet.
    pub(super) async fn new(arguments: &Arguments, context: &Context) -> Result<Self, Error> {
        let journal = online::journal(&context.settings).await?;
        if arguments.ids.is_empty() {
            // Taken before the user is told to send requests.
            let began = SystemTime::now();
            return Ok(Source::Live { journal, endpoint: arguments.endpoint.clone(), began });
        }
        let mut jobs = Vec::new();
        for id in &arguments.ids {
            jobs.push(named(&journal, id, arguments.endpoint.as_deref()).await?);
        }
        Ok(Source::Named(jobs))
    }

    pub(super) fn is_named(&self) -> bool {
        matches!(self, Source::Named(_))
    }

    /// Says what the command waits for.
    pub(super) fn description(&self) -> String {
        match self {
            Source::Named(jobs) if jobs.len() == 1 => "Waiting for the job".to_owned(),
            Source::Named(jobs) => format!("Waiting for {} jobs", jobs.len()),
            Source::Live { endpoint: None, .. } => "Waiting for jobs of the journal; press Ctrl-C to stop".to_owned(),
            Source::Live { endpoint: Some(endpoint), .. } => {
                format!("Waiting for jobs of the journal and requests of `{endpoint}`; press Ctrl-C to stop")
            }
        }
    }

    /// Finds the jobs, some of them again and again. The channel ends after jobs that were named.
    pub(super) fn jobs(self, client: Client, terminal: Terminal) -> Receiver<Result<Job, Error>> {
        let (found, receiver) = mpsc::channel(64);
        match self {
            Source::Named(jobs) => {
                tokio::spawn(async move {
                    for job in jobs {
                        // The command has ended if it fails.
                        let _ = found.send(Ok(job)).await;
                    }
                });
            }
            Source::Live { journal, endpoint, began } => {
                if let Some(endpoint) = endpoint {
                    tokio::spawn(watch_endpoint(client, endpoint, began, terminal, found.clone()));
                }
                tokio::spawn(watch_journal(journal, found));
            }
        }
        receiver
    }
}

/// Finds a job of the journal, or names a request of the endpoint.
async fn named(journal: &Journal, id: &str, endpoint: Option<&str>) -> Result<Job, Error> {
    if let Some(endpoint) = endpoint
        && online::is_request_id(id)
    {
        return Ok(Job { endpoint: endpoint.to_owned(), request_id: id.to_owned() });
    }
    let record = online::find(journal, id).await?;
    job(&record).ok_or_else(|| {
        let key = crate::job_key::short(&record.key);
        let error = Error::new(Exit::Unfinished, format!("the job `{key}` was not sent to fal yet"));
        error.help(format!("continue it with `cargo fal watch {key}`"))
    })
}

fn job(record: &Record) -> Option<Job> {
    let request_id = record.request_id.clone()?;
    Some(Job { endpoint: record.endpoint.clone(), request_id })
}

/// Sends the submitted jobs of the journal, and those that were completed since the last look.
async fn watch_journal(journal: Journal, found: Sender<Result<Job, Error>>) {
    /// Covers the time of a slow look, and clocks that differ.
    const MARGIN: Duration = Duration::from_secs(2);

    let mut looked = Instant::now();
    loop {
        let since = looked.elapsed() + MARGIN;
        let now = Instant::now();
        for filter in [Filter::new().state(State::Submitted), Filter::new().is_final().newer_than(since)] {
            let mut records = journal.list(filter);
            loop {
                let job = match records.try_next().await {
                    Ok(Some(record)) => job(&record).map(Ok),
                    Ok(None) => break,
                    // A newer version of the tool has recorded the job.
                    Err(error) if error.kind() == ErrorKind::NewerVersion => None,
                    Err(error) => Some(Err(error.into())),
                };
                if let Some(job) = job
                    && found.send(job).await.is_err()
                {
                    return;
                }
            }
        }
        looked = now;
        sleep(JOURNAL_INTERVAL).await;
    }
}

/// Sends the requests of an endpoint that began in this session, as fal lists them.
async fn watch_endpoint(
    client: Client,
    endpoint: String,
    began: SystemTime,
    terminal: Terminal,
    found: Sender<Result<Job, Error>>,
) {
    loop {
        let mut requests = client.platform().requests([endpoint.as_str()]).start(began).stream();
        loop {
            let request_id = match requests.try_next().await {
                Ok(Some(request)) => request.request_id,
                Ok(None) => break,
                Err(error) if is_passing(&error) => {
                    terminal.note(format_args!("{error}; trying again in {} s", HISTORY_INTERVAL.as_secs()));
                    break;
                }
                Err(error) => {
                    // The command has ended if it fails.
                    let _ = found.send(Err(error.into())).await;
                    return;
                }
            };
            if found.send(Ok(Job { endpoint: endpoint.clone(), request_id })).await.is_err() {
                return;
            }
        }
        sleep(HISTORY_INTERVAL).await;
    }
}

/// Returns true for errors after which fal can be called again.
pub(super) fn is_passing(error: &fal_client::Error) -> bool {
    error.is_retryable() || error.is_connect() || error.is_timeout() || error.is_rate_limited()
}
