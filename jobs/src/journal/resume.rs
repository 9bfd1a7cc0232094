use std::fmt;
use std::future::ready;

use fal_client::Client;

use super::course::{Course, failed};
use super::follow::{Follow, follow_options};
use super::policy::{OnFailed, OnUncertain};
use super::{Budget, Journal};
use crate::error::{Error, ErrorKind};
use crate::files::Target;
use crate::future::call_future;
use crate::record::Record;
use crate::state::State;

/// Takes a job of a journal to its end, without its input. Returned by [`Journal::resume`], and starts when awaited.
///
/// Dropping the future at any time is as safe as a crash.
#[must_use = "a call does nothing until it is awaited"]
pub struct Resume {
    journal: Journal,
    client: Client,
    key: String,
    on_failed: OnFailed,
    on_uncertain: OnUncertain,
    budget: Option<Budget>,
    follow: Follow,
}

impl Journal {
    /// Takes a job to its end, and returns it: sends a waiting job, and follows a submitted one.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
    /// let job = journal.resume(&client, "hero-image").download_to("images").await?;
    /// println!("{:?} with {} files", job.output, job.files().len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The journal does not have the key ([`ErrorKind::NotFound`]).
    /// - The job has failed ([`ErrorKind::Failed`]), or is uncertain ([`ErrorKind::Uncertain`]).
    /// - The job waits, and its local files were not uploaded or it was redacted ([`ErrorKind::Input`]). Run it again with its input.
    /// - The time limit has passed ([`ErrorKind::Timeout`]), or a file cannot be saved ([`ErrorKind::File`]).
    pub fn resume(&self, client: &Client, key: impl AsRef<str>) -> Resume {
        Resume {
            journal: self.clone(),
            client: client.clone(),
            key: key.as_ref().to_owned(),
            on_failed: OnFailed::default(),
            on_uncertain: OnUncertain::default(),
            budget: None,
            follow: Follow::default(),
        }
    }
}

impl Resume {
    follow_options!();

    /// Sets the use of a job that has failed in an earlier call. Default: [`OnFailed::Fail`].
    pub fn on_failed(mut self, on_failed: OnFailed) -> Self {
        self.on_failed = on_failed;
        self
    }

    /// Sets the decision about an uncertain job. Default: [`OnUncertain::Fail`].
    pub fn on_uncertain(mut self, on_uncertain: OnUncertain) -> Self {
        self.on_uncertain = on_uncertain;
        self
    }

    /// Charges the job to a budget in addition to its own one, if it was not accepted yet. Default: none.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// Saves the files of the output into a folder, or to the writers of a [`Target`]. Default: none are saved. See
    /// [`Journal::download`].
    pub fn download_to(mut self, target: impl Into<Target>) -> Self {
        self.follow.target = Some(target.into());
        self
    }

    async fn start(self) -> Result<Record, Error> {
        let Resume { journal, client, key, on_failed, on_uncertain, budget, follow } = self;
        let deadline = follow.deadline();
        let mut record = journal.existing(&key).await?;
        if let Some(budget) = &budget {
            let billing = journal.billing(&record.endpoint, Some(budget))?;
            record = journal.store().bill(&key, |record| record.charge(&billing)).await?;
        }
        let request = ready(request_of(&record));
        let mut course = Course::new(&journal, &client);
        (course.on_failed, course.on_uncertain) = (on_failed, on_uncertain);
        let record = follow.finish(course, deadline, record, None, request).await?;
        match record.state {
            State::Failed => Err(failed(&record)),
            _ => Ok(record),
        }
    }
}

call_future!([] Resume => Record);

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Returns the recorded request of a job.
pub(super) fn request_of(record: &Record) -> Result<String, Error> {
    let message = "its files are not uploaded, or it was redacted: run it again with its input";
    record.request.clone().ok_or_else(|| Error::new(ErrorKind::Input, message).of(&record.key))
}
