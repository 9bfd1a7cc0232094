use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::{Instant, sleep};

use crate::error::Error;
use crate::store::Store;

/// The claims of this process on jobs.
#[derive(Debug)]
pub(crate) struct Claims {
    /// Begins the names of this process's claims. Unique among all processes.
    process: String,
    next: AtomicU64,
    /// Claims whose work was dropped. The next extension gives them up.
    dropped: Mutex<Vec<String>>,
    /// Time of the last extension.
    extended: tokio::sync::Mutex<Instant>,
}

/// A claim on a job. Dropping it lets other processes take the job over.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    claims: &'a Claims,
    pub(crate) name: String,
    is_released: bool,
}

impl Claims {
    pub(crate) fn new() -> Self {
        let random = || RandomState::new().build_hasher().finish();
        Claims {
            process: format!("{:016x}{:016x}", random(), random()),
            next: AtomicU64::new(0),
            dropped: Mutex::default(),
            extended: tokio::sync::Mutex::new(Instant::now()),
        }
    }

    /// Returns a new claim, without a job yet.
    pub(crate) fn claim(&self) -> Claim<'_> {
        let name = format!("{}.{}", self.process, self.next.fetch_add(1, Ordering::Relaxed));
        Claim { claims: self, name, is_released: false }
    }

    /// Extends the leases of this process's claims without end. Only one of the callers does so at a time.
    pub(crate) async fn keep(&self, store: &Store) -> Error {
        let interval = store.lease / 3;
        loop {
            sleep(interval).await;
            let mut extended = self.extended.lock().await;
            if extended.elapsed() < interval {
                continue;
            }
            let dropped = std::mem::take(&mut *self.dropped.lock().unwrap_or_else(PoisonError::into_inner));
            if let Err(error) = store.extend(&self.process, &dropped).await {
                return error;
            }
            *extended = Instant::now();
        }
    }
}

impl Claim<'_> {
    /// Releases the job.
    pub(crate) async fn release(mut self, store: &Store, key: &str) -> Result<(), Error> {
        store.release(key, &self.name).await?;
        self.is_released = true;
        Ok(())
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.is_released {
            self.claims.dropped.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.name));
        }
    }
}
