//! The public keys of the service, fetched and cached.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::{HeaderMap, Method};

use super::key_set::KeySet;
use crate::error::{Error, ErrorKind};
use crate::transport::{Context, Parcel, check_runtime, deliver, join, within_total};

/// Maximum age of cached keys (fal's documentation of webhooks).
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// The age after which cached keys are fetched again. If that fails, they are used up to their maximum age.
const REFRESH_AFTER: Duration = Duration::from_secs(12 * 3600);

/// Minimum time between two fetches that replace valid keys. Anyone can send a signature that fits none.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// Minimum time after a failed fetch.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Time limit of a fetch, with its retries. fal waits 15 s for the response to a delivery.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

type Fetch = Shared<BoxFuture<'static, Result<Arc<KeySet>, Error>>>;

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
    running: Option<Running>,
    failure: Option<(SystemTime, Error)>,
    /// The earliest time of the next fetch that replaces valid keys.
    not_before: Option<SystemTime>,
}

/// A fetch in progress. Concurrent callers share it, and it is dropped with the last of them.
struct Running {
    fetch: Fetch,
    callers: usize,
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
            Step::Fetch(fetch) => Caller { source: self, fetch, now }.outcome().await,
            Step::Done(keys) => keys,
        }
    }

    /// Returns the keys of earlier sets.
    pub(super) fn retired(&self) -> Arc<KeySet> {
        Arc::clone(&self.lock().retired)
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
        if let Some(running) = &mut self.running {
            running.callers += 1;
            return Step::Fetch(running.fetch.clone());
        }
        let interval = if known.is_some() { MIN_INTERVAL } else { RETRY_AFTER };
        if let Some((_, error)) = self.failure.as_ref().filter(|(at, _)| age(*at, now) < interval) {
            return Step::Done(Err(error.clone()));
        }
        if let Some(known) = known {
            // A time that is further away was set by a clock that was wrong.
            if self.not_before.is_some_and(|time| time > now && age(now, time) <= MIN_INTERVAL) {
                return Step::Done(Ok(Arc::clone(known)));
            }
            self.not_before = now.checked_add(MIN_INTERVAL);
        }
        let fetch = download(Arc::clone(context)).boxed().shared();
        self.running = Some(Running { fetch: fetch.clone(), callers: 1 });
        Step::Fetch(fetch)
    }

    /// Keeps the outcome of a fetch that has ended, or drops a fetch that no caller waits for.
    fn leave(&mut self, fetch: &Fetch, now: SystemTime) {
        let Some(running) = self.running.as_mut().filter(|running| running.fetch.ptr_eq(fetch)) else { return };
        running.callers -= 1;
        match fetch.peek() {
            Some(Ok(keys)) => self.replace(Arc::clone(keys), now),
            Some(Err(error)) => self.failure = Some((now, error.clone())),
            // Its callers may have hung up to prevent that new keys are fetched.
            None if running.callers == 0 => self.not_before = now.checked_add(RETRY_AFTER),
            None => return,
        }
        self.running = None;
    }

    fn replace(&mut self, keys: Arc<KeySet>, now: SystemTime) {
        if let Some(earlier) = self.current.take() {
            self.retired = Arc::new(keys.retired(&earlier.keys, &self.retired));
        }
        self.current = Some(Cached { keys, at: now });
        self.failure = None;
    }
}

/// A caller that waits for a fetch.
struct Caller<'a> {
    source: &'a KeySource,
    fetch: Fetch,
    now: SystemTime,
}

impl Caller<'_> {
    async fn outcome(&self) -> Result<Arc<KeySet>, Error> {
        self.fetch.clone().await
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        let mut cache = self.source.lock();
        // A fetch that has panicked cannot be read: that would panic, too, and end the process.
        if std::thread::panicking() {
            cache.running = None;
        } else {
            cache.leave(&self.fetch, self.now);
        }
    }
}

/// Returns the time since `at`. If the clock was set back, that is unknown, and counts as a long time.
fn age(at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(at).unwrap_or(Duration::MAX)
}

/// Fetches the key set. The request does not have the API key.
async fn download(context: Arc<Context>) -> Result<Arc<KeySet>, Error> {
    check_runtime()?;
    let url = join(&context.hosts.rest, ".well-known/jwks.json");
    let parcel = Parcel::new("key set request", Method::GET, url, HeaderMap::new());
    let delivered = pin!(deliver(&context, &parcel));
    let response = within_total(Some(FETCH_TIMEOUT), "fetching the key set", delivered).await?;
    let keys = KeySet::parse(&response.body).map_err(|reason| Error::new(ErrorKind::UnexpectedResponse, reason))?;
    Ok(Arc::new(keys))
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySource").field("hosts", &self.context.hosts).finish_non_exhaustive()
    }
}
