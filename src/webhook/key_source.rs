//! The public keys of the service, fetched and cached.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use http::{HeaderMap, Method};

use super::key_set::KeySet;
use crate::error::{Error, ErrorKind};
use crate::transport::{Context, Parcel, deliver, join, within_total};

/// Maximum age of cached keys (fal's documentation of webhooks).
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// The age after which cached keys are fetched again. If that fails, they are used up to their maximum age.
const REFRESH_AFTER: Duration = Duration::from_secs(12 * 3600);

/// Minimum time between two fetches that replace valid keys. Anyone can send a signature that fits none.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// Minimum time after a fetch that has failed, or was dropped with its callers.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Time limit of a fetch, with its retries. fal waits 15 s for the response to a delivery.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

type Fetching = BoxFuture<'static, Result<Arc<KeySet>, Error>>;
type Fetch = Shared<Fetching>;

/// Fetches the keys from the client's REST host, and caches them.
pub(super) struct KeySource {
    context: Arc<Context>,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    current: Option<Cached>,
    /// The keys of earlier sets that the current one lacks.
    retired: Arc<KeySet>,
    /// The fetch in progress, with its start. Concurrent callers share it. It ends when all of them are dropped.
    fetch: Option<(SystemTime, WeakShared<Fetching>)>,
    failure: Option<(SystemTime, Error)>,
    /// The time of the last fetch that was to replace valid keys.
    replaced_at: Option<SystemTime>,
}

#[derive(Clone)]
struct Cached {
    keys: Arc<KeySet>,
    at: SystemTime,
}

impl KeySource {
    pub(super) fn new(context: Arc<Context>) -> Self {
        KeySource { context, cache: Mutex::default() }
    }

    /// Returns the cached keys, or fetches them.
    pub(super) async fn keys(&self, now: SystemTime) -> Result<Arc<KeySet>, Error> {
        let cached = self.lock().valid(now);
        match cached {
            Some(Cached { keys, at }) if age(at, now) < REFRESH_AFTER => Ok(keys),
            Some(Cached { keys, .. }) => Ok(self.newer(Some(&keys), now).await.unwrap_or(keys)),
            None => self.newer(None, now).await,
        }
    }

    /// Fetches keys that are newer than the valid ones. Returns the same keys if these were fetched for this reason within
    /// the last minute.
    pub(super) async fn newer(&self, than: Option<&Arc<KeySet>>, now: SystemTime) -> Result<Arc<KeySet>, Error> {
        let step = self.lock().next_step(&self.context, than, now);
        match step {
            Step::Fetch(fetch) => self.fetched(fetch, now).await,
            Step::Done(keys) => keys,
        }
    }

    /// Returns the keys of earlier sets.
    pub(super) fn retired(&self) -> Arc<KeySet> {
        Arc::clone(&self.lock().retired)
    }

    /// Awaits a fetch, and keeps its outcome.
    async fn fetched(&self, fetch: Fetch, now: SystemTime) -> Result<Arc<KeySet>, Error> {
        let outcome = fetch.clone().await;
        let mut cache = self.lock();
        // The first caller that sees the outcome keeps it.
        let is_current =
            |current: &WeakShared<Fetching>| current.upgrade().is_some_and(|current| current.ptr_eq(&fetch));
        if cache.fetch.take_if(|(_, current)| is_current(current)).is_some() {
            match &outcome {
                Ok(keys) => cache.replace(Arc::clone(keys), now),
                Err(error) => cache.failure = Some((now, error.clone())),
            }
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next step of a caller that needs keys.
enum Step {
    Fetch(Fetch),
    Done(Result<Arc<KeySet>, Error>),
}

impl Cache {
    fn valid(&self, now: SystemTime) -> Option<Cached> {
        self.current.clone().filter(|cached| age(cached.at, now) < MAX_AGE)
    }

    /// Starts or joins a fetch, unless it is too early for one. `known` are the valid keys that do not suffice.
    fn next_step(&mut self, context: &Arc<Context>, known: Option<&Arc<KeySet>>, now: SystemTime) -> Step {
        // Another caller may have fetched them meanwhile.
        if let Some(Cached { keys, .. }) = self.valid(now)
            && !known.is_some_and(|known| Arc::ptr_eq(known, &keys))
        {
            return Step::Done(Ok(keys));
        }
        // A fetch that has not ended in time was not polled.
        let fetch = self.fetch.as_ref().filter(|(at, _)| age(*at, now) <= FETCH_TIMEOUT);
        if let Some(fetch) = fetch.and_then(|(_, fetch)| fetch.upgrade()) {
            return Step::Fetch(fetch);
        }
        let interval = if known.is_some() { MIN_INTERVAL } else { RETRY_AFTER };
        if let Some((_, error)) = self.failure.as_ref().filter(|(at, _)| age(*at, now) < interval) {
            return Step::Done(Err(error.clone()));
        }
        if let Some(known) = known {
            // A fetch without an outcome was dropped with its callers. Another caller should not have to wait for long.
            let interval = if self.fetch.is_some() { RETRY_AFTER } else { interval };
            if self.replaced_at.is_some_and(|at| age(at, now) < interval) {
                return Step::Done(Ok(Arc::clone(known)));
            }
            self.replaced_at = Some(now);
        }
        let fetch = download(Arc::clone(context)).boxed().shared();
        self.fetch = fetch.downgrade().map(|weak| (now, weak));
        Step::Fetch(fetch)
    }

    fn replace(&mut self, keys: Arc<KeySet>, now: SystemTime) {
        if let Some(earlier) = self.current.take() {
            self.retired = Arc::new(keys.retired(&earlier.keys, &self.retired));
        }
        self.current = Some(Cached { keys, at: now });
        self.failure = None;
    }
}

/// Returns the time since `at`. If the clock was set back, that is unknown, and counts as a long time.
fn age(at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(at).unwrap_or(Duration::MAX)
}

/// Fetches the key set. The request does not have the API key.
async fn download(context: Arc<Context>) -> Result<Arc<KeySet>, Error> {
    let url = join(&context.hosts.rest, ".well-known/jwks.json");
    let parcel = Parcel::new("key set request", Method::GET, url, HeaderMap::new());
    let response = within_total(Some(FETCH_TIMEOUT), "fetching the key set", deliver(&context, &parcel)).await?;
    let keys = KeySet::parse(&response.body).map_err(|reason| Error::new(ErrorKind::UnexpectedResponse, reason))?;
    Ok(Arc::new(keys))
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource").field("hosts", &self.context.hosts).finish_non_exhaustive()
    }
}
