use super::Journal;
use crate::error::{Error, ErrorKind};
use crate::filter::Filter;

impl Journal {
    /// Removes completed and failed jobs that match, and returns their number.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
    /// use std::time::Duration;
    ///
    /// use fal_jobs::Filter;
    ///
    /// let month = Duration::from_secs(30 * 24 * 3600);
    /// let removed = journal.prune(Filter::new().older_than(month)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Unfinished and uncertain jobs are never removed. The journal forgets a removed job: the same call submits it again, and fal
    /// bills it again. Jobs are removed in several transactions, so an error may come after some of them.
    ///
    /// # Errors
    ///
    /// The filter names a state that is not final ([`ErrorKind::Input`]), or the database fails ([`ErrorKind::Database`]).
    pub async fn prune(&self, filter: Filter) -> Result<u64, Error> {
        let filter = only_final(filter, "pruned")?;
        let mut total = 0;
        loop {
            match self.store().remove(&filter).await? {
                0 => return Ok(total),
                removed => total += removed,
            }
        }
    }
}

/// Rejects a filter for jobs that may still be worked on. Without states, it is for final jobs.
pub(super) fn only_final(filter: Filter, change: &str) -> Result<Filter, Error> {
    let message = || format!("only completed and failed jobs can be {change}: remove other states from the filter");
    filter.only_final().ok_or_else(|| Error::new(ErrorKind::Input, message()))
}
