//! The course of a job that is run: progress, Ctrl-C, and the result.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fal_client::Client;
use fal_jobs::{ErrorKind, Failure, FailureKind, Journal, Record, State};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::error::{Error, Exit};
use crate::job_key::short;
use crate::online::{Progress, Signal, Signals, left, release};

/// The interval at which a job that is being sent is looked at.
const SENDING: Duration = Duration::from_millis(100);

/// The time for which a submission that is on its way is awaited before the command leaves. Only its response has the request id.
const PATIENCE: Duration = Duration::from_secs(5);

/// The course of a job.
#[derive(Debug)]
pub(super) struct Course<'a> {
    pub(super) journal: &'a Journal,
    pub(super) client: &'a Client,
    pub(super) progress: &'a Progress,
    /// The key of the job, once it is recorded.
    pub(super) key: Arc<OnceLock<String>>,
}

impl Course<'_> {
    /// Awaits the work on a job. The first Ctrl-C cancels the job and waits for the outcome. The second one and SIGTERM leave.
    ///
    /// # Errors
    ///
    /// Those of the work, and that of a cancelled job or a job that was left.
    pub(super) async fn finish<T>(
        &self,
        signals: &mut Signals,
        work: impl Future<Output = Result<T, fal_jobs::Error>> + Send,
    ) -> Result<T, Stop> {
        let mut work = Some(work.boxed());
        let mut cancelling: Option<BoxFuture<'_, Result<Record, fal_jobs::Error>>> = None;
        let mut is_cancelled = false;
        loop {
            let working = async {
                match work.as_mut() {
                    Some(work) => work.await,
                    None => std::future::pending().await,
                }
            };
            let waiting = async {
                match cancelling.as_mut() {
                    Some(cancelling) => cancelling.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                done = working => {
                    if is_cancelled && done.is_ok() {
                        self.progress.note("the job was completed before it could be cancelled");
                    }
                    return done.map_err(|error| match error.failure() {
                        Some(failure) if is_cancelled && failure.kind == FailureKind::Cancelled => cancelled(error.key(), failure).into(),
                        _ => Stop::Job(error),
                    });
                }
                signal = signals.next() => match (signal, self.key.get()) {
                    (Signal::Interrupt, Some(key)) if !is_cancelled => {
                        is_cancelled = true;
                        self.progress.note("cancelling the job; press Ctrl-C again to leave");
                        self.progress.stage("Cancelling");
                        cancelling = Some(self.cancel(key).boxed());
                    }
                    (_, None) => return Err(Error::new(Exit::Interrupted, "interrupted; nothing was sent").into()),
                    (_, Some(key)) => {
                        // It may hold a connection of the journal, for which closing would wait.
                        drop(cancelling.take());
                        if let Some(work) = work.take() {
                            self.leave(work, key).await;
                        }
                        let error = left(self.journal, key).await;
                        release(self.journal).await;
                        return Err(error.into());
                    }
                },
                ended = waiting => {
                    cancelling = None;
                    match ended {
                        Ok(record) if record.state == State::Failed => {
                            let failure = record.failure();
                            if let Some(failure) = failure.filter(|failure| failure.kind == FailureKind::Cancelled) {
                                return Err(cancelled(Some(&record.key), &failure).into());
                            }
                        }
                        Ok(record) if record.state == State::Completed => {
                            self.progress.note("the job is completed already; its files are being saved");
                        }
                        Ok(_) => self.progress.note("the job runs already; fal tells the model to stop"),
                        Err(error) => self.progress.note(&format!("{}", Error::from(error))),
                    }
                }
            }
        }
    }

    /// Cancels the job. If it is being sent, waits until it is sent.
    async fn cancel(&self, key: &str) -> Result<Record, fal_jobs::Error> {
        loop {
            match self.journal.cancel(self.client, key).await {
                Err(error) if error.kind() == ErrorKind::State => tokio::time::sleep(SENDING).await,
                cancelled => return cancelled,
            }
        }
    }

    /// Ends the work. The job goes on without it.
    async fn leave<T>(&self, mut work: BoxFuture<'_, T>, key: &str) {
        let sent = async {
            while let Ok(Some(job)) = self.journal.get(key).await
                && job.state == State::Intended
            {
                tokio::time::sleep(SENDING).await;
            }
        };
        let sent_or_ended = async {
            tokio::select! {
                biased;
                () = sent => {}
                _ = &mut work => {}
            }
        };
        let _ = tokio::time::timeout(PATIENCE, sent_or_ended).await;
    }
}

/// The reason why a course ends without a result.
#[derive(Debug)]
pub(super) enum Stop {
    /// The journal's error.
    Job(fal_jobs::Error),
    /// A signal.
    Signal(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Signal(error)
    }
}

/// Returns the error of a job that the user has cancelled.
fn cancelled(key: Option<&str>, failure: &Failure) -> Error {
    let job = key.map(|key| format!("the job `{}`", short(key))).unwrap_or_else(|| "the job".to_owned());
    let message = match failure.may_be_billed {
        true => format!("{job} was cancelled while it ran, and fal may bill it"),
        false => format!("{job} was cancelled, and is not billed"),
    };
    Error::new(Exit::Interrupted, message)
}
