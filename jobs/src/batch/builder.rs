use std::fmt;

use fal_client::{EndpointInput, Handle};
use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, future, stream};
use serde::de::DeserializeOwned;

use super::item::{IntoItem, NewItem};
use super::items::{Items, Start};
use super::progress::{Progress, Snapshot};
use super::validation::validate;
use super::work::Work;
use crate::error::Error;
use crate::files::Target;
use crate::journal::{Budget, Journal, OnFailed, OnUncertain};
use crate::request::SubmitOptions;

/// A batch of jobs of one endpoint. Created by [`Journal::batch`], and started by [`run`](Self::run),
/// [`run_iter`](Self::run_iter) or [`run_all`](Self::run_all).
#[must_use = "a batch does nothing until it is run"]
pub struct Batch<I, O> {
    work: Work<I, O>,
    concurrency: usize,
    stop: BoxFuture<'static, ()>,
    on_progress: Option<OnProgress>,
}

pub(super) type OnProgress = Box<dyn FnMut(&Snapshot) + Send>;

impl Journal {
    /// Returns a batch of jobs of an endpoint.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_jobs::Journal;
    ///
    /// let journal = Journal::open("sqlite://jobs.db").await?;
    /// let photos = ["fox", "owl", "elk"];
    /// let items = move || {
    ///     photos.map(|name| {
    ///         let input = redux::Input::builder().image_url(format!("https://example.com/{name}.png"));
    ///         (name, input) // the key of the job, and its input
    ///     })
    /// };
    /// let mut results = journal.batch(&client.endpoint(redux::ENDPOINT)).label("photos").run_all(items).await?;
    /// while let Some(item) = results.next().await {
    ///     match item.result {
    ///         Ok(completed) => println!("{}", completed.data.images[0].url),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An item whose result is recorded is not sent again, so a batch that was interrupted can be started again with the same
    /// items. This includes items without a key, unlike [`Journal::run`]: give keys to items that repeat the input of an earlier batch. A failed item does not stop the batch. These failures would hit every item, so they do:
    ///
    /// - The database fails.
    /// - fal rejects the API key, or its permissions, or the account is locked.
    /// - The budget cannot reserve an item, and no other item of the batch runs.
    ///
    /// After such a failure, the batch finishes the items that run, and [`Items::stopped_by`] returns the failure.
    ///
    /// Memory depends on the concurrency, and not on the number of items.
    pub fn batch<I: EndpointInput + Clone, O: DeserializeOwned + Send + 'static>(
        &self,
        handle: &Handle<I, O>,
    ) -> Batch<I, O> {
        Batch {
            work: Work::new(self.clone(), handle.clone()),
            concurrency: 16,
            stop: future::pending().boxed(),
            on_progress: None,
        }
    }
}

impl<I: EndpointInput + Clone, O: DeserializeOwned + Send + 'static> Batch<I, O> {
    /// Sets the label of the jobs, by which they can be listed. Default: none.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.work.label = Some(label.into());
        self
    }

    /// Sets the maximum number of items that run at the same time. Default: 16. Minimum: 1.
    ///
    /// fal queues what exceeds the account's limit of concurrent requests.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// Charges the jobs to a budget. Default: none.
    ///
    /// An item that the budget cannot reserve waits while other items of the batch run, because they may cost less than they have
    /// reserved. Afterwards the budget is exhausted, and the batch stops.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.work.budget = Some(budget.clone());
        self
    }

    /// Sets options of the submissions, such as the priority or a [webhook](crate::SubmitOptions::webhook). Default: none.
    pub fn options(mut self, options: SubmitOptions) -> Self {
        self.work.options = options;
        self
    }

    /// Saves the files of the outputs into a folder, or to the writers of a [`Target`]. Default: none are saved.
    ///
    /// [`Record::files`](crate::Record::files) has the saved files. All items share the target's limit of concurrent downloads. An
    /// item whose files cannot be saved fails with [`ErrorKind::File`](crate::ErrorKind::File), and its job stays completed: the
    /// next run of the batch saves them without another request.
    pub fn download_to(mut self, target: impl Into<Target>) -> Self {
        self.work.target = Some(target.into());
        self
    }

    /// Sets the maximum number of retries of an item. Default: 2. Zero turns them off.
    ///
    /// They are in addition to those of the client, and have delays of 1, 2, 4 … 60 seconds. An item is retried only where
    /// nothing was billed: fal has not accepted the submission, or has failed the request without
    /// [billing](crate::Failure::may_be_billed) it. A request that fal runs is followed again. A submission that fal may have accepted
    /// is never retried.
    pub fn retries(mut self, retries: u32) -> Self {
        self.work.retries = retries;
        self
    }

    /// Sets the use of items that have failed in an earlier batch. Default: [`OnFailed::Fail`].
    pub fn on_failed(mut self, on_failed: OnFailed) -> Self {
        self.work.on_failed = on_failed;
        self
    }

    /// Sets the decision about uncertain items. Default: [`OnUncertain::Fail`], so that they are failed items.
    pub fn on_uncertain(mut self, on_uncertain: OnUncertain) -> Self {
        self.work.on_uncertain = on_uncertain;
        self
    }

    /// Stops the batch when a future is ready, for example `tokio::signal::ctrl_c()`. Default: never.
    ///
    /// The batch then finishes the items that run, starts no other item, and ends. Items that wait for a retry or for the budget
    /// end with their last error. [`Items::is_stopped`] is true, and [`Snapshot::not_started`] has the number of the others.
    pub fn stop_when(mut self, signal: impl Future + Send + 'static) -> Self {
        self.stop = signal.map(drop).boxed();
        self
    }

    /// Calls a function with the progress after each item. Default: none. [`progress`](Self::progress) can be read at any time.
    pub fn on_progress(mut self, on_progress: impl FnMut(&Snapshot) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(on_progress));
        self
    }

    /// Returns the progress of this batch, for another task.
    pub fn progress(&self) -> Progress {
        self.work.progress.clone()
    }

    /// Runs the items of a stream.
    ///
    /// An item is validated when it is its turn. The batch pulls an item only when there is room for it.
    pub fn run<S, By: 'static>(self, items: S) -> Items<I, O>
    where
        S: Stream<Item: IntoItem<I, By>> + Send + 'static,
    {
        self.start(items.map(IntoItem::into_item), None)
    }

    /// Runs the items of an iterator, without validating all of them first. See [`run_all`](Self::run_all) and [`run`](Self::run).
    ///
    /// The iterator must not block for long.
    pub fn run_iter<S, By: 'static>(self, items: S) -> Items<I, O>
    where
        S: IntoIterator<Item: IntoItem<I, By> + 'static, IntoIter: Send + 'static>,
    {
        self.start(stream::iter(items.into_iter().map(IntoItem::into_item)), None)
    }

    /// Validates all items of an iterator, and runs them if all are valid.
    ///
    /// The function makes the iterator, once for each of the two passes, so that the items need not be in memory. The first pass
    /// keeps 16 bytes for each key.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, journal: fal_jobs::Journal) -> Result<(), Box<dyn std::error::Error>> {
    /// # use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// let urls = vec!["https://example.com/fox.png", "https://example.com/owl.png"];
    /// let batch = journal.batch(&client.endpoint(redux::ENDPOINT));
    /// let items = move || urls.clone().into_iter().map(|url| redux::Input::builder().image_url(url));
    /// let results = match batch.run_all(items).await {
    ///     Ok(results) => results,
    ///     Err(error) => {
    ///         for invalid in error.invalid_items() {
    ///             eprintln!("item index {}: {}", invalid.index, invalid.error);
    ///         }
    ///         return Err(error.into());
    ///     }
    /// };
    /// # let _ = results;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Items are invalid ([`ErrorKind::Input`](crate::ErrorKind::Input)). Nothing was recorded or sent.
    /// [`Error::invalid_items`] returns all of them:
    ///
    /// - The input violates the schema, or a local file violates its limits.
    /// - The key is empty, longer than 1024 bytes, or has a NUL character.
    /// - Another item has the same key and another input. Items with the same key and input share a job.
    /// - The item is an error.
    pub async fn run_all<S, By: 'static>(self, items: impl Fn() -> S) -> Result<Items<I, O>, Error>
    where
        S: IntoIterator<Item: IntoItem<I, By> + 'static, IntoIter: Send + 'static>,
    {
        self.work.journal.billing(self.work.handle.id(), self.work.budget.as_ref())?;
        let new_items = || items().into_iter().map(IntoItem::into_item);
        let total = validate(&self.work.handle, new_items()).await?;
        Ok(self.start(stream::iter(new_items()), Some(total)))
    }

    fn start(self, items: impl Stream<Item = NewItem<I>> + Send + 'static, total: Option<u64>) -> Items<I, O> {
        let Batch { work, concurrency, stop, on_progress } = self;
        work.progress.begin(total);
        Items::new(work, Start { source: items.boxed(), is_finite: total.is_some(), concurrency, stop, on_progress })
    }
}

impl<I, O> fmt::Debug for Batch<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("endpoint", &self.work.handle.id())
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}
