use std::future::ready;

use fal_client::Client;

use super::Journal;
use super::course::{Course, failed};
use crate::error::{Error, ErrorKind};
use crate::record::Record;
use crate::state::State;

impl Journal {
    /// Takes a job to its end, and returns it: sends a waiting job, and follows a submitted one.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
    /// let job = journal.resume(&client, "hero-image").await?;
    /// println!("{:?}", job.output);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The journal does not have the key ([`ErrorKind::NotFound`]).
    /// - The job has failed ([`ErrorKind::Failed`]), or is uncertain ([`ErrorKind::Uncertain`]).
    /// - The job waits, and its local files were not uploaded or it was redacted ([`ErrorKind::Input`]). Run it again with its input.
    pub async fn resume(&self, client: &Client, key: impl AsRef<str>) -> Result<Record, Error> {
        let key = key.as_ref();
        let record = self.existing(key).await?;
        let request = ready(request_of(&record));
        let record = Course::new(self, client).finish(record, None, request).await?;
        match record.state {
            State::Failed => Err(failed(&record)),
            _ => Ok(record),
        }
    }
}

/// Returns the recorded request of a job.
pub(super) fn request_of(record: &Record) -> Result<String, Error> {
    let message = "its files are not uploaded, or it was redacted: run it again with its input";
    record.request.clone().ok_or_else(|| Error::new(ErrorKind::Input, message).of(&record.key))
}
