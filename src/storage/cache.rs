//! The cache of uploads: files of inputs that a client has uploaded already.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::MutexGuard;
use tokio::time::{Instant, timeout};

use super::digest::Digest;
use super::policy::{Repository, UploadPolicy};
use crate::error::{Error, ErrorKind};
use crate::files::Lifecycle;
use crate::transport::FileVersion;

/// Maximum number of uploads, and of local files with known hashes, that are kept in memory.
const MAX_KEPT: usize = 1000;

/// Files that expire earlier are not reused, because a request may wait in the queue.
const MIN_LIFETIME: Duration = Duration::from_secs(600);

/// Time for which a file of unknown or long lifetime is reused. fal keeps files for days by default.
const MAX_REUSE: Duration = Duration::from_secs(3600);

/// Time without progress after which a caller no longer waits for the upload of another.
const MAX_STALL: Duration = Duration::from_secs(30);

/// The uploads of a client. Concurrent callers with the same file share one upload, including its error, unless
/// the error is about a local file.
#[derive(Debug, Default)]
pub(crate) struct UploadCache {
    uploads: Mutex<Kept<Key, Arc<Slot>>>,
    digests: Mutex<Kept<FileVersion, Digest>>,
}

/// An upload, which its first caller performs while it holds the lock.
#[derive(Debug, Default)]
struct Slot {
    done: tokio::sync::Mutex<Option<Result<Done, Error>>>,
    /// Counts the steps of the upload.
    steps: Arc<AtomicU64>,
}

/// The properties that two files must share for one to stand for the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(super) digest: Digest,
    pub(super) name: Option<String>,
    pub(super) content_type: String,
    /// The API key. A provider may return that of another account.
    pub(super) account: Option<HeaderValue>,
    pub(super) repository: Repository,
    pub(super) fallback: Option<Repository>,
    pub(super) lifecycle: Lifecycle,
}

/// A successful upload.
#[derive(Debug)]
struct Done {
    at: Instant,
    /// The number of lost files by then.
    lost_files: u64,
    url: String,
}

impl UploadCache {
    /// Returns the URL of a file that was uploaded, or uploads it. Concurrent callers wait for the upload, which counts its
    /// steps. An upload from before the last of the `lost_files` is not reused.
    pub(crate) async fn url<U: Future<Output = Result<String, Error>>>(
        &self,
        key: Key,
        policy: &UploadPolicy,
        lost_files: &AtomicU64,
        upload: impl FnOnce(Arc<AtomicU64>) -> U,
    ) -> Result<Reused, Error> {
        let Some(reuse) = reuse(policy.lifecycle.lifetime()) else {
            return upload(Arc::default()).await.map(Reused::no);
        };
        let slot: Arc<Slot> = lock(&self.uploads).get_or_insert(key, Arc::default);
        let Some(mut done) = slot.wait().await else { return upload(Arc::default()).await.map(Reused::no) };
        let lost_files = lost_files.load(Ordering::Relaxed);
        match &*done {
            Some(Ok(done)) if done.at.elapsed() < reuse && done.lost_files == lost_files => {
                return Ok(Reused { url: done.url.clone(), is_reused: true });
            }
            // The slot has left the map, so that only callers that have waited see the error. Their files may be intact although
            // the one that was being sent is not.
            Some(Err(error)) if error.kind() != ErrorKind::File => return Err(error.clone()),
            _ => {}
        }
        // The lifetime counts from the beginning of the upload, which is before that of the file.
        let at = Instant::now();
        let url = upload(Arc::clone(&slot.steps)).await;
        if url.is_err() {
            lock(&self.uploads).entries.retain(|_, (_, kept)| !Arc::ptr_eq(kept, &slot));
        }
        *done = Some(url.clone().map(|url| Done { at, lost_files, url }));
        url.map(Reused::no)
    }

    /// Returns the hash of a local file of a known version.
    pub(super) fn digest(&self, version: &FileVersion) -> Option<Digest> {
        lock(&self.digests).get(version)
    }

    pub(super) fn keep_digest(&self, version: FileVersion, digest: &Digest) {
        lock(&self.digests).get_or_insert(version, || digest.clone());
    }
}

impl Slot {
    /// Waits until no other caller uploads. `None` if the upload makes no progress, for example because its future is not polled.
    async fn wait(&self) -> Option<MutexGuard<'_, Option<Result<Done, Error>>>> {
        loop {
            let before = self.steps.load(Ordering::Relaxed);
            match timeout(MAX_STALL, self.done.lock()).await {
                Ok(done) => return Some(done),
                Err(_) if self.steps.load(Ordering::Relaxed) == before => return None,
                Err(_) => {}
            }
        }
    }
}

/// The URL of an uploaded file.
#[derive(Debug)]
pub(crate) struct Reused {
    pub(crate) url: String,
    /// True if nothing was transferred by this caller.
    pub(crate) is_reused: bool,
}

impl Reused {
    fn no(url: String) -> Self {
        Reused { url, is_reused: false }
    }
}

/// Returns for how long a file with a lifetime is reused: half of it, so that the other half remains for the request.
fn reuse(lifetime: Option<Duration>) -> Option<Duration> {
    match lifetime {
        None => Some(MAX_REUSE),
        Some(lifetime) if lifetime < MIN_LIFETIME => None,
        Some(lifetime) => Some(MAX_REUSE.min(lifetime / 2)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A map of bounded size, which forgets what was not used for the longest time.
#[derive(Debug)]
struct Kept<K, V> {
    entries: HashMap<K, (u64, V)>,
    uses: u64,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Kept { entries: HashMap::new(), uses: 0 }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    fn get(&mut self, key: &K) -> Option<V> {
        self.uses += 1;
        let (used, value) = self.entries.get_mut(key)?;
        *used = self.uses;
        Some(value.clone())
    }

    fn get_or_insert(&mut self, key: K, new: impl FnOnce() -> V) -> V {
        if let Some(value) = self.get(&key) {
            return value;
        }
        if self.entries.len() >= MAX_KEPT
            && let Some(oldest) = self.entries.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone())
        {
            self.entries.remove(&oldest);
        }
        let value = new();
        self.entries.insert(key, (self.uses, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_reused_for_half_their_lifetime() {
        for (lifetime, expected) in [
            (None, Some(3600)),
            (Some(60), None),
            (Some(599), None),
            (Some(600), Some(300)),
            (Some(3600), Some(1800)),
            (Some(86_400), Some(3600)),
        ] {
            let reuse = reuse(lifetime.map(Duration::from_secs));
            assert_eq!(reuse.map(|reuse| reuse.as_secs()), expected, "{lifetime:?}");
        }
    }

    #[tokio::test]
    async fn error_of_a_local_file_is_not_shared() {
        for (kind, expected) in [(ErrorKind::File, Ok("second")), (ErrorKind::Service, Err(ErrorKind::Service))] {
            let (cache, policy, lost_files) = (UploadCache::default(), UploadPolicy::default(), AtomicU64::default());
            let payload = crate::transport::Payload::Bytes("fox".into());
            let key = Key {
                digest: Digest::of(&payload, None).await.expect("a hash"),
                name: None,
                content_type: "image/png".to_owned(),
                account: None,
                repository: policy.repository,
                fallback: policy.fallback,
                lifecycle: policy.lifecycle.clone(),
            };
            let first = cache.url(key.clone(), &policy, &lost_files, async |_| {
                tokio::task::yield_now().await;
                Err(Error::new(kind, "failed"))
            });
            let second = cache.url(key, &policy, &lost_files, async |_| Ok("second".to_owned()));
            let (first, second) = tokio::join!(first, second);
            assert_eq!(first.expect_err("failed").kind(), kind);
            let second = second.map(|reused| reused.url).map_err(|error| error.kind());
            assert_eq!(second.as_deref().map_err(|kind| *kind), expected);
        }
    }

    #[test]
    fn least_recently_used_entry_is_forgotten() {
        let mut kept = Kept::default();
        for key in 0..MAX_KEPT {
            kept.get_or_insert(key, || key);
        }
        assert_eq!(kept.get(&0), Some(0));
        kept.get_or_insert(MAX_KEPT, || MAX_KEPT);
        assert_eq!((kept.get(&0), kept.get(&1), kept.entries.len()), (Some(0), None, MAX_KEPT));
    }
}
