use super::Journal;
use super::list::Pages;
use super::prune::only_final;
use crate::error::Error;
use crate::filter::Filter;
use crate::redaction::Redaction;

impl Journal {
    /// Removes prompts and other data of completed and failed jobs that match, and returns the number of jobs.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
    /// use fal_jobs::{Filter, Redaction};
    ///
    /// journal.redact(Filter::new().key("hero-image"), &Redaction::Inputs).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`JournalBuilder::redact`](super::JournalBuilder::redact) does this for each job when it ends. Backups, and for a time the
    /// write-ahead log of the database, still have the data. PostgreSQL removes old versions of a row with `VACUUM`.
    ///
    /// # Errors
    ///
    /// The filter names a state that is not final ([`ErrorKind::Input`](crate::ErrorKind::Input)), or the database fails
    /// ([`ErrorKind::Database`](crate::ErrorKind::Database)).
    pub async fn redact(&self, filter: Filter, redaction: &Redaction) -> Result<u64, Error> {
        let mut pages = Pages::new(only_final(filter, "redacted")?);
        let mut total = 0;
        while let Some(listed) = pages.next(self).await? {
            total += u64::from(self.store().redact(&listed.record?.key, redaction).await?);
        }
        Ok(total)
    }
}
