use std::fmt;
use std::future::ready;

use fal_client::Client;
use futures_util::stream::{Stream, StreamExt};

use super::Journal;
use super::course::{Course, failed};
use super::policy::OnUncertain;
use super::resume::request_of;
use crate::error::Error;
use crate::filter::Filter;
use crate::record::Record;
use crate::state::State;

/// Takes the unfinished jobs of a journal to their ends. Returned by [`Journal::resume_all`].
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// use futures_util::StreamExt;
///
/// let mut resumed = journal.resume_all(&client).concurrency(20).stream();
/// while let Some(job) = resumed.next().await {
///     match job {
///         Ok(job) => println!("{} is completed", job.key),
///         Err(error) => println!("{error}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is resumed until the stream is polled"]
#[derive(Clone)]
pub struct ResumeAll {
    journal: Journal,
    client: Client,
    filter: Filter,
    concurrency: usize,
    on_uncertain: OnUncertain,
}

impl Journal {
    /// Takes the unfinished jobs to their ends, for example after a crash: sends waiting jobs, and follows submitted ones.
    ///
    /// Jobs that a living process works on are left to it. A job that a dead process was sending becomes uncertain.
    pub fn resume_all(&self, client: &Client) -> ResumeAll {
        ResumeAll {
            journal: self.clone(),
            client: client.clone(),
            filter: Filter::new(),
            concurrency: 10,
            on_uncertain: OnUncertain::default(),
        }
    }
}

impl ResumeAll {
    /// Restricts the jobs. Default: all unfinished ones.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Sets the maximum number of jobs in progress, at least 1. Default: 10.
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }

    /// Sets the decision about uncertain jobs. Default: [`OnUncertain::Fail`], which yields an error for each.
    pub fn on_uncertain(mut self, on_uncertain: OnUncertain) -> Self {
        self.on_uncertain = on_uncertain;
        self
    }

    /// Returns the stream of the outcomes, in the order in which they arrive: a completed job, or the error of a job that failed,
    /// is uncertain or cannot be continued now. [`Error::key`] names the job.
    ///
    /// The stream reads the journal page by page, and holds at most [`concurrency`](Self::concurrency) jobs. It ends after an error
    /// of the database while it reads the list. Dropping it is as safe as a crash.
    pub fn stream(self) -> impl Stream<Item = Result<Record, Error>> + Send + Unpin + use<> {
        let ResumeAll { journal, client, mut filter, concurrency, on_uncertain } = self;
        if filter.states.is_empty() {
            filter.states = State::ALL.into_iter().filter(|state| !state.is_final()).collect();
        }
        let jobs = journal.list(filter);
        let resumed = jobs.map(move |job| {
            let (journal, client) = (journal.clone(), client.clone());
            async move {
                match job {
                    Ok(record) => resume(&journal, &client, record, on_uncertain).await.transpose(),
                    Err(error) => Some(Err(error)),
                }
            }
        });
        resumed.buffer_unordered(concurrency).filter_map(ready).boxed()
    }
}

/// Takes a job to its end. Returns `None` if another process works on it, or has finished it.
async fn resume(
    journal: &Journal,
    client: &Client,
    listed: Record,
    on_uncertain: OnUncertain,
) -> Result<Option<Record>, Error> {
    if listed.state.is_final() {
        return Ok(None);
    }
    let Some((claim, record)) = journal.claims().take(journal.store(), &listed.key).await? else { return Ok(None) };
    let mut course = Course::new(journal, client);
    course.on_uncertain = on_uncertain;
    let request = request_of(&record);
    let record = course.run(claim, record, ready(request)).await?;
    match record.state {
        State::Failed => Err(failed(&record)),
        _ => Ok(Some(record)),
    }
}

impl fmt::Debug for ResumeAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeAll")
            .field("filter", &self.filter)
            .field("concurrency", &self.concurrency)
            .field("on_uncertain", &self.on_uncertain)
            .finish_non_exhaustive()
    }
}
