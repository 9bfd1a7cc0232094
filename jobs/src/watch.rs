use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::select;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::error::{Error, ErrorKind};
use crate::record::Record;
use crate::state::State;
use crate::store::Store;

/// The interval at which the journal is read.
const INTERVAL: Duration = Duration::from_millis(500);

/// The submitted jobs that futures of this process wait for while webhooks report their outcomes. One query serves them all.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// By key, the number of waiting futures, and what wakes them.
    waiting: Mutex<HashMap<String, (usize, Arc<Notify>)>>,
    /// Time of the last query.
    queried: tokio::sync::Mutex<Option<Instant>>,
}

/// A wait for a job. Dropping it ends the wait.
struct Waiter<'a> {
    watch: &'a Watch,
    key: &'a str,
    notify: Arc<Notify>,
}

impl Watch {
    /// Waits until a job is not submitted any more, and returns it.
    pub(crate) async fn outcome(&self, store: &Store, key: &str) -> Result<Record, Error> {
        let waiter = Waiter::new(self, key);
        loop {
            let notified = pin!(waiter.notify.notified());
            // The job may have changed before the wait.
            let record = store
                .get(key)
                .await?
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "the job was removed from the journal").of(key))?;
            if record.state != State::Submitted {
                return Ok(record);
            }
            select(notified, pin!(self.query_without_end(store))).await;
        }
    }

    /// Wakes the futures that wait for a job.
    pub(crate) fn wake(&self, key: &str) {
        if let Some((_, notify)) = self.lock().get(key) {
            notify.notify_waiters();
        }
    }

    /// Queries which jobs have changed, at an interval. Only one of the callers does so at a time.
    async fn query_without_end(&self, store: &Store) {
        loop {
            sleep(INTERVAL).await;
            let mut queried = self.queried.lock().await;
            if queried.is_some_and(|queried| queried.elapsed() < INTERVAL) {
                continue;
            }
            let keys: Vec<String> = self.lock().keys().cloned().collect();
            match store.not_submitted(&keys).await {
                Ok(keys) => keys.iter().for_each(|key| self.wake(key)),
                Err(error) => tracing::warn!(target: "fal_jobs", %error, "cannot read the jobs that webhooks report"),
            }
            *queried = Some(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (usize, Arc<Notify>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Waiter<'a> {
    fn new(watch: &'a Watch, key: &'a str) -> Self {
        let mut waiting = watch.lock();
        let (count, notify) = waiting.entry(key.to_owned()).or_default();
        *count += 1;
        Waiter { watch, key, notify: Arc::clone(notify) }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut waiting = self.watch.lock();
        if let Some((count, _)) = waiting.get_mut(self.key) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(self.key);
            }
        }
    }
}
