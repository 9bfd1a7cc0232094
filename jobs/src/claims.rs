use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::error::Error;
use crate::record::{NewRecord, Record};
use crate::store::{Kind, Store, Wanted};

/// The claims of this process on jobs, and its lease. While the lease lives, other processes leave the jobs alone.
#[derive(Debug)]
pub(crate) struct Claims {
    lease: Mutex<Lease>,
    /// Keys of the jobs that futures of this process work on.
    held: Arc<Mutex<HashSet<String>>>,
    /// Tasks that give up the jobs of dropped futures. They end with the journal.
    releases: Mutex<JoinSet<()>>,
    /// Claims share it. Giving up jobs that are not held excludes them.
    claiming: tokio::sync::RwLock<()>,
    /// Only one caller renews the lease at a time.
    renewal: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Lease {
    /// Unique among all processes and their leases.
    process: String,
    /// Time before the last renewal. `None` until the first one.
    renewed: Option<Instant>,
}

/// A claim on a job. Dropping it lets other processes take the job over.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    claims: &'a Claims,
    held: Option<Held>,
    /// Set while the database has the claim.
    store: Option<Store>,
}

/// A job that a future of this process works on, until this is dropped.
#[derive(Debug)]
struct Held {
    keys: Arc<Mutex<HashSet<String>>>,
    key: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.keys).remove(&self.key);
    }
}

impl Claims {
    pub(crate) fn new() -> Self {
        Claims {
            lease: Mutex::new(Lease { process: unique_name(), renewed: None }),
            held: Arc::default(),
            releases: Mutex::default(),
            claiming: tokio::sync::RwLock::default(),
            renewal: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the name of this process in the database.
    pub(crate) fn process(&self) -> String {
        lock(&self.lease).process.clone()
    }

    /// Returns true if the lease lives by this machine's clock. A process that was suspended finds out here.
    pub(crate) fn is_alive(&self, store: &Store) -> bool {
        lock(&self.lease).renewed.is_some_and(|renewed| renewed.elapsed() < store.lease)
    }

    /// Claims a job. Returns `None` if another process, or another future of this process, works on it.
    pub(crate) async fn take(&self, store: &Store, key: &str) -> Result<Option<(Claim<'_>, Record)>, Error> {
        self.renew(store).await?;
        let _claiming = self.claiming.read().await;
        let Some(mut claim) = self.hold(key) else { return Ok(None) };
        let mut record = store.claim(key, &self.process()).await?;
        if record.is_none() {
            // Its process may have died.
            store.expire().await?;
            record = store.claim(key, &self.process()).await?;
        }
        claim.store = record.is_some().then(|| store.clone());
        Ok(record.map(|record| (claim, record)))
    }

    /// Records a job, unless the journal has it, and returns it. A new one is claimed in the same commit.
    pub(crate) async fn record(&self, store: &Store, new: &NewRecord) -> Result<(Record, Option<Claim<'_>>), Error> {
        self.renew(store).await?;
        let _claiming = self.claiming.read().await;
        let Some(mut claim) = self.hold(&new.key) else {
            // A future of this process works on it, or is about to.
            return Ok((store.insert(new, None).await?.0, None));
        };
        let (record, is_new) = store.insert(new, Some(&self.process())).await?;
        claim.store = is_new.then(|| store.clone());
        Ok((record, is_new.then_some(claim)))
    }

    /// Claims up to `limit` enqueued jobs that no process works on, oldest first.
    pub(crate) async fn take_many(
        &self,
        store: &Store,
        kind: Kind,
        wanted: &Wanted,
        limit: usize,
    ) -> Result<Vec<(Claim<'_>, Record)>, Error> {
        self.renew(store).await?;
        let _claiming = self.claiming.read().await;
        let records = store.claim_many(&self.process(), kind, wanted, limit).await?;
        // A job that is held already was lost with an expired lease. Its future still works on it.
        let claim = |record: Record| {
            let mut claim = self.hold(&record.key)?;
            claim.store = Some(store.clone());
            Some((claim, record))
        };
        Ok(records.into_iter().filter_map(claim).collect())
    }

    /// Renews the lease without end. Only one of the callers does so at a time.
    pub(crate) async fn keep(&self, store: &Store) -> Infallible {
        loop {
            sleep(store.lease / 3).await;
            let renewed = async {
                self.renew(store).await?;
                store.expire().await
            };
            // Running work goes on without a database, because fal runs the requests anyway. The next renewal may succeed.
            if let Err(error) = renewed.await {
                tracing::warn!(target: "fal_jobs", %error, "the lease was not renewed");
            }
        }
    }

    /// Renews the lease if it is due, and gives up the jobs of dropped futures.
    async fn renew(&self, store: &Store) -> Result<(), Error> {
        let _only = self.renewal.lock().await;
        let now = Instant::now();
        let (process, renewed) = {
            let lease = lock(&self.lease);
            (lease.process.clone(), lease.renewed)
        };
        if renewed.is_some_and(|renewed| now - renewed < store.lease / 3) {
            return Ok(());
        }
        self.give_up(store, &process).await?;
        let process = match renewed {
            Some(_) if store.extend(&process).await? => process,
            // A dead lease never lives again. Other processes may be taking over its jobs.
            Some(_) => {
                let process = unique_name();
                store.begin_lease(&process).await?;
                process
            }
            None => {
                store.begin_lease(&process).await?;
                process
            }
        };
        *lock(&self.lease) = Lease { process, renewed: Some(now) };
        Ok(())
    }

    /// Gives up claimed jobs that are not held: those of dropped futures, and those of a claim whose response was lost.
    async fn give_up(&self, store: &Store, process: &str) -> Result<(), Error> {
        let _claiming = self.claiming.write().await;
        let mut keys = store.claimed(process).await?;
        {
            let held = lock(&self.held);
            keys.retain(|key| !held.contains(key));
        }
        if keys.is_empty() { Ok(()) } else { store.release(process, &keys).await }
    }

    /// Returns `None` if a future of this process works on the job.
    fn hold(&self, key: &str) -> Option<Claim<'_>> {
        let is_free = lock(&self.held).insert(key.to_owned());
        let held = || Held { keys: Arc::clone(&self.held), key: key.to_owned() };
        is_free.then(|| Claim { claims: self, held: Some(held()), store: None })
    }
}

impl Claim<'_> {
    /// Gives the job up, so that other processes need not wait for the lease to expire. A change that makes a job final or
    /// uncertain does so itself.
    pub(crate) async fn release(mut self, store: &Store) {
        if let Some(held) = &self.held {
            // If this fails, the next renewal does it.
            let _ = store.release(&self.claims.process(), std::slice::from_ref(&held.key)).await;
        }
        self.store = None;
    }

    /// Ends a claim that a change has given up already.
    pub(crate) fn end(mut self) {
        self.store = None;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let (Some(held), Some(store), Ok(runtime)) = (self.held.take(), self.store.take(), Handle::try_current())
        else {
            // The next renewal gives the job up, or the end of the lease.
            return;
        };
        let process = self.claims.process();
        let mut releases = lock(&self.claims.releases);
        while releases.try_join_next().is_some() {}
        releases.spawn_on(
            async move {
                let _ = store.release(&process, std::slice::from_ref(&held.key)).await;
            },
            &runtime,
        );
    }
}

fn unique_name() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
