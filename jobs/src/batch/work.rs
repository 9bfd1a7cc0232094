//! The work on one item.

use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fal_client::{EndpointInput, Handle};
use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::sleep;

use super::progress::Progress;
use crate::error::{Error, ErrorKind};
use crate::failure::FailureKind;
use crate::files::Target;
use crate::journal::{Budget, Completed, Journal, OnFailed, OnUncertain, Reuse, UNLISTED};
use crate::request::SubmitOptions;

/// The delay before the first retry. It doubles with each one.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// The longest delay before a retry.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// A batch that runs again must not repeat completed items without a key.
const ALWAYS: Reuse = Reuse::Any(Duration::MAX);

/// The settings of a batch that its items share.
#[derive(Debug)]
pub(super) struct Work<I, O> {
    pub(super) journal: Journal,
    pub(super) handle: Handle<I, O>,
    pub(super) label: Option<String>,
    pub(super) budget: Option<Budget>,
    pub(super) options: SubmitOptions,
    pub(super) target: Option<Target>,
    pub(super) retries: u32,
    pub(super) on_failed: OnFailed,
    pub(super) on_uncertain: OnUncertain,
    pub(super) progress: Progress,
    /// The failure that would hit every item.
    pub(super) stopped_by: OnceLock<Error>,
    /// True when the batch starts no more work.
    pub(super) is_stopping: watch::Sender<bool>,
    /// The number of items that may release a reservation in the budget.
    active: AtomicUsize,
    /// Counts the attempts that ended, except for refusals by the budget.
    ended: watch::Sender<u64>,
}

impl<I, O> Work<I, O> {
    pub(super) fn new(journal: Journal, handle: Handle<I, O>) -> Self {
        Work {
            journal,
            handle,
            label: None,
            budget: None,
            options: SubmitOptions::default(),
            target: None,
            retries: 2,
            on_failed: OnFailed::default(),
            on_uncertain: OnUncertain::default(),
            progress: Progress::new(),
            stopped_by: OnceLock::new(),
            is_stopping: watch::Sender::new(false),
            active: AtomicUsize::new(0),
            ended: watch::Sender::new(0),
        }
    }
}

impl<I: EndpointInput + Clone, O: DeserializeOwned + Send + 'static> Work<I, O> {
    /// Runs an item, and counts it.
    pub(super) async fn run(&self, key: Option<String>, input: I) -> Result<Completed<O>, Error> {
        let result = self.run_with_retries(key, input).await;
        match &result {
            Ok(completed) => self.progress.done(completed.record.cost.unwrap_or(0)),
            Err(error) => {
                match error.kind() {
                    ErrorKind::Budget => self.progress.refused(),
                    _ => self.progress.failed(true),
                }
                if hits_every_item(error) && !self.is_stopping.send_replace(true) {
                    let failure = Error::new(error.kind(), error.without_key());
                    // It is set once, because the batch stops once.
                    self.stopped_by.get_or_init(|| failure);
                }
            }
        }
        result
    }

    /// Runs an item, and retries it where nothing was billed.
    async fn run_with_retries(&self, key: Option<String>, input: I) -> Result<Completed<O>, Error> {
        let mut retries = 0;
        loop {
            let mut ended = self.ended.subscribe();
            self.active.fetch_add(1, Ordering::SeqCst);
            let result = self.attempt(key.clone(), input.clone(), retries > 0).await;
            let others = self.active.fetch_sub(1, Ordering::SeqCst) - 1;
            let error = match result {
                Err(error) if error.kind() == ErrorKind::Budget => {
                    // Another item may cost less than it has reserved.
                    let may_change = others > 0 || ended.has_changed().unwrap_or_default();
                    if may_change && self.is_first(ended.changed()).await {
                        continue;
                    }
                    return Err(error);
                }
                result => {
                    self.ended.send_modify(|ended| *ended += 1);
                    match result {
                        Ok(completed) => return Ok(completed),
                        Err(error) => error,
                    }
                }
            };
            let delay = FIRST_DELAY.saturating_mul(2_u32.saturating_pow(retries)).min(MAX_DELAY);
            if retries == self.retries || !self.may_retry(&error) || !self.is_first(sleep(delay)).await {
                return Err(error);
            }
            retries += 1;
        }
    }

    async fn attempt(&self, key: Option<String>, input: I, is_retry: bool) -> Result<Completed<O>, Error> {
        let on_failed = if is_retry { OnFailed::RetryUnbilled } else { self.on_failed };
        let run = self.journal.run(&self.handle, input).reuse(ALWAYS).options(self.options.clone());
        let mut run = run.on_failed(on_failed).on_uncertain(self.on_uncertain);
        if let Some(key) = key {
            run = run.key(key);
        }
        if let Some(label) = &self.label {
            run = run.label(label);
        }
        if let Some(budget) = &self.budget {
            run = run.budget(budget);
        }
        if let Some(target) = &self.target {
            run = run.download_to(target.clone());
        }
        run.await
    }

    /// Returns true if another attempt may succeed, and nothing was billed or the attempt continues the same request.
    fn may_retry(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::Request | ErrorKind::File => !hits_every_item(error),
            ErrorKind::Failed => {
                error.failure().is_some_and(|failure| failure.kind == FailureKind::Failed && !failure.may_be_billed)
            }
            _ => false,
        }
    }

    /// Awaits a future. Returns false if the batch stops before it is ready.
    async fn is_first<F: Future>(&self, future: F) -> bool {
        let mut is_stopping = self.is_stopping.subscribe();
        let stopped = pin!(is_stopping.wait_for(|is_stopping| *is_stopping));
        matches!(select(stopped, pin!(future)).await, Either::Right(_))
    }
}

/// Returns true for failures that are not about one item.
fn hits_every_item(error: &Error) -> bool {
    let is_denied = |error: &fal_client::Error| {
        error.is_unauthorized() || error.is_permission_denied() || error.is_account_locked()
    };
    matches!(error.kind(), ErrorKind::Database | ErrorKind::NewerVersion | ErrorKind::Configuration | ErrorKind::Budget)
        // A key that may not list requests can run them.
        || error.message() != UNLISTED && error.client().is_some_and(is_denied)
}
