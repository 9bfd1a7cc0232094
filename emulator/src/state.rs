use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use fal_client::LockReason;
use rust_decimal::Decimal;
use tokio::sync::Semaphore;

use crate::account::{self, Account, AccountError};
#[cfg(feature = "tls")]
use crate::authority::Authority;
use crate::endpoints::catalog::Catalog;
use crate::faults::pending::PendingFaults;
use crate::output::scripted::ScriptedOutputs;
use crate::platform::models::Models;
use crate::platform::prices::Prices;
use crate::platform::rate_limit::RateLimit;
use crate::queue::concurrency::Concurrency;
use crate::queue::gate::Gates;
use crate::queue::jobs::Jobs;
use crate::queue::script::Script;
#[cfg(feature = "record")]
use crate::record::tape::Tape;
use crate::request::journal::Journal;
use crate::request::operation::Operation;
use crate::request::refused_hosts::RefusedHosts;
use crate::saved::change::Kind;
use crate::saved::sink::Sink;
use crate::settings::Settings;
use crate::storage::store::Store;
use crate::time::clock::Clock;
use crate::tokens::Tokens;
use crate::webhooks::outbox::Outbox;

/// The most bytes of request bodies that are read and handled at a time.
pub(crate) const MAX_IN_FLIGHT_BYTES: usize = 512 << 20;
/// The most outputs and images that are made at a time. Each may take 300 MiB.
const MAX_WORKERS: usize = 2;

/// The most pages in browsers that are updated at a time.
pub(crate) const MAX_EVENT_STREAMS: usize = 64;

/// The key of the only record of the clock.
pub(crate) const CLOCK: &str = "ahead";

/// The state of an emulator, shared by all of its connections.
pub(crate) struct State {
    /// `http://127.0.0.1:PORT`, or with `https`.
    pub(crate) base_url: Arc<str>,
    #[cfg(feature = "tls")]
    pub(crate) authority: Authority,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) settings: Settings,
    pub(crate) account: Account,
    pub(crate) clock: Arc<Clock>,
    /// The script of a queued request.
    pub(crate) queued: Arc<Script>,
    /// The script of a direct run.
    pub(crate) direct: Arc<Script>,
    pub(crate) concurrency: Concurrency,
    pub(crate) jobs: Jobs,
    pub(crate) gates: Gates,
    pub(crate) prices: Prices,
    pub(crate) models: Models,
    pub(crate) rate_limit: RateLimit,
    pub(crate) store: Arc<Store>,
    pub(crate) tokens: Tokens,
    pub(crate) faults: PendingFaults,
    pub(crate) outputs: ScriptedOutputs,
    pub(crate) journal: Journal,
    pub(crate) refused_hosts: RefusedHosts,
    pub(crate) outbox: Outbox,
    /// The way to the state file.
    pub(crate) sink: Sink,
    /// A permit for every byte of the request bodies in flight.
    pub(crate) bodies: Arc<Semaphore>,
    /// A permit for every output or image that is made.
    pub(crate) workers: Arc<Semaphore>,
    /// The recording or the replay that handles all requests.
    #[cfg(feature = "record")]
    pub(crate) tape: Option<Tape>,
    /// A permit for every stream of updates of the page.
    pub(crate) event_streams: Arc<Semaphore>,
    dropped_connections: AtomicUsize,
}

impl State {
    pub(crate) fn new(
        base_url: Arc<str>,
        catalog: Arc<Catalog>,
        settings: Settings,
        clock: Arc<Clock>,
        sink: Sink,
        #[cfg(feature = "tls")] authority: Authority,
        #[cfg(feature = "record")] tape: Option<Tape>,
    ) -> Self {
        State {
            store: Arc::new(Store::new(
                Arc::clone(&base_url),
                Arc::clone(&clock),
                settings.token_lifetime,
                sink.clone(),
            )),
            tokens: Tokens::new(Arc::clone(&clock)),
            base_url,
            #[cfg(feature = "tls")]
            authority,
            catalog,
            concurrency: Concurrency::new(&settings.concurrency, &clock),
            jobs: Jobs::new(settings.history, &clock, sink.clone()),
            clock,
            account: Account::new(settings.account.clone()),
            queued: Arc::new(settings.pace.queued()),
            direct: Arc::new(settings.pace.direct()),
            models: Models::default(),
            rate_limit: RateLimit::new(settings.rate_limit),
            prices: Prices::new(settings.prices.clone()),
            gates: Gates::default(),
            journal: Journal::new(settings.history),
            refused_hosts: RefusedHosts::default(),
            faults: PendingFaults::new(settings.seed),
            settings,
            outputs: ScriptedOutputs::default(),
            outbox: Outbox::new(sink.clone()),
            sink,
            bodies: Arc::new(Semaphore::new(MAX_IN_FLIGHT_BYTES)),
            workers: Arc::new(Semaphore::new(MAX_WORKERS)),
            #[cfg(feature = "record")]
            tape,
            event_streams: Arc::new(Semaphore::new(MAX_EVENT_STREAMS)),
            dropped_connections: AtomicUsize::new(0),
        }
    }

    /// Returns whether the emulator listens on a port.
    pub(crate) fn has_port(&self, port: u16) -> bool {
        self.base_url.rsplit_once(':').is_some_and(|(_, own)| own.parse() == Ok(port))
    }

    /// Advances the clock. Times in the state file are those of this clock, so it has the advance, too.
    pub(crate) fn advance_time(&self, by: Duration) {
        self.clock.advance(by);
        self.sink.put(Kind::Clock, CLOCK, || self.clock.ahead());
    }

    /// Returns what is left of the account's credits.
    pub(crate) fn balance(&self) -> Decimal {
        self.account.credits().saturating_sub(self.jobs.billed().cost())
    }

    /// Sets what is left of the account's credits.
    pub(crate) fn set_balance(&self, balance: Decimal) {
        self.account.set_credits(balance.saturating_add(self.jobs.billed().cost()));
    }

    /// Removes the faults that have not happened yet.
    pub(crate) fn clear_faults(&self) {
        self.faults.clear();
        self.outbox.clear_faults();
    }

    /// Advances a queued job, or a replayed one, by one step. Returns `false` if it is unknown or completed.
    pub(crate) fn advance(&self, request_id: &str) -> bool {
        #[cfg(feature = "record")]
        if let Some(tape) = &self.tape {
            return tape.advance(request_id);
        }
        self.jobs.get(request_id).is_some_and(|job| job.advance())
    }

    /// Advances a job to its end. Returns `false` if it is unknown or completed.
    pub(crate) fn complete(&self, request_id: &str) -> bool {
        let mut advanced = false;
        while self.advance(request_id) {
            advanced = true;
        }
        advanced
    }

    /// Returns whether a job is kept, or can be replayed.
    pub(crate) fn has_job(&self, request_id: &str) -> bool {
        #[cfg(feature = "record")]
        if let Some(tape) = &self.tape {
            return tape.has_job(request_id);
        }
        self.jobs.get(request_id).is_some()
    }

    /// Returns why the account is locked.
    pub(crate) fn lock_reason(&self) -> Option<LockReason> {
        let is_exhausted = || self.account.locks_when_exhausted() && self.balance() <= Decimal::ZERO;
        let is_over_budget = || self.account.budget().is_some_and(|budget| self.jobs.billed().cost() >= budget);
        let reason = self.account.lock_reason().or_else(|| is_exhausted().then_some(LockReason::ExhaustedBalance));
        reason.or_else(|| is_over_budget().then_some(LockReason::BudgetExceeded))
    }

    /// Requires that the account may do something. A locked account may still read what it has.
    pub(crate) fn check_account(&self, operation: Operation) -> Result<(), AccountError> {
        if self.account.is_denied(operation) {
            return Err(AccountError::Insufficient);
        }
        let lock = if account::costs(operation) { self.lock_reason() } else { None };
        lock.map_or(Ok(()), |reason| Err(AccountError::Locked(reason)))
    }

    /// Makes the next `count` connections close as soon as they are accepted.
    pub(crate) fn drop_connections(&self, count: usize) {
        self.dropped_connections.fetch_add(count, Relaxed);
    }

    /// Returns whether a new connection is closed, and counts it.
    pub(crate) fn drops_connection(&self) -> bool {
        self.dropped_connections.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}
