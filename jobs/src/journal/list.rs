use std::collections::VecDeque;

use futures_util::stream::{self, Stream, StreamExt};

use super::Journal;
use crate::error::Error;
use crate::filter::Filter;
use crate::record::Record;
use crate::state::State;
use crate::store::Listed;

/// The number of jobs in the first page of a list, and in the longest one.
const PAGE: (u32, u32) = (16, 512);
/// The size of a page in bytes above which the next one has half as many jobs.
const LARGE: usize = 4 << 20;

/// Numbers of jobs by state. [`Journal::count`] returns them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    counts: Vec<(State, u64)>,
}

impl Counts {
    /// Returns the number of jobs in a state.
    pub fn of(&self, state: State) -> u64 {
        self.counts.iter().filter(|(counted, _)| *counted == state).map(|(_, count)| count).sum()
    }

    /// Returns the number of jobs in all states.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Returns the number of jobs that are neither completed nor failed.
    pub fn unfinished(&self) -> u64 {
        self.counts.iter().filter(|(state, _)| !state.is_final()).map(|(_, count)| count).sum()
    }
}

impl Journal {
    /// Lists the jobs that match, in the order of their creation.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_jobs::{Filter, State};
    /// use futures_util::TryStreamExt;
    ///
    /// let mut uncertain = journal.list(Filter::new().state(State::Uncertain));
    /// while let Some(job) = uncertain.try_next().await? {
    ///     println!("{} {}", job.key, job.endpoint);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The stream reads pages, so its memory does not grow with the number of jobs. Jobs that are recorded meanwhile may be
    /// included.
    ///
    /// # Errors
    ///
    /// The stream ends with an error if the database fails ([`ErrorKind::Database`](crate::ErrorKind::Database)). It goes on after
    /// a job that a newer version of this crate has written ([`ErrorKind::NewerVersion`](crate::ErrorKind::NewerVersion)).
    pub fn list(&self, filter: Filter) -> impl Stream<Item = Result<Record, Error>> + Send + Unpin + use<> {
        let journal = self.clone();
        stream::unfold(Some(Pages::new(filter)), move |pages| {
            let journal = journal.clone();
            async move {
                let mut pages = pages?;
                match pages.next(&journal).await {
                    Ok(listed) => Some((listed?.record, Some(pages))),
                    Err(error) => Some((Err(error), None)),
                }
            }
        })
        .boxed()
    }

    /// Counts the jobs that match, by state.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
    /// use fal_jobs::{Filter, State};
    ///
    /// let counts = journal.count(Filter::new().label("night-run")).await?;
    /// println!("{} of {} completed", counts.of(State::Completed), counts.total());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn count(&self, filter: Filter) -> Result<Counts, Error> {
        Ok(Counts { counts: self.store().count(&filter).await? })
    }
}

/// The pages of a list.
pub(super) struct Pages {
    filter: Filter,
    page: VecDeque<Listed>,
    after: i64,
    limit: u32,
    is_last: bool,
}

impl Pages {
    pub(super) fn new(filter: Filter) -> Self {
        Pages { filter, page: VecDeque::new(), after: 0, limit: PAGE.0, is_last: false }
    }

    /// Returns the next job.
    pub(super) async fn next(&mut self, journal: &Journal) -> Result<Option<Listed>, Error> {
        if self.page.is_empty() && !self.is_last {
            self.page = journal.store().page(&self.filter, self.after, self.limit).await?.into();
            self.is_last = self.page.len() < usize::try_from(self.limit).unwrap_or(usize::MAX);
            self.after = self.page.back().map_or(self.after, |last| last.id);
            let size: usize = self.page.iter().filter_map(|listed| listed.record.as_ref().ok()).map(Record::size).sum();
            self.limit = if size > LARGE { (self.limit / 2).max(1) } else { (self.limit * 2).min(PAGE.1) };
        }
        Ok(self.page.pop_front())
    }
}
