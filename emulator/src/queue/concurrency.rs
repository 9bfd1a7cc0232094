use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::queue::slots::{Seat, Slots, Times};
use crate::time::clock::Clock;

/// The limits at the start: of the account, and of endpoints that have their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) account: Option<usize>,
    pub(crate) endpoints: HashMap<String, usize>,
}

/// The slots of the account, and of the endpoints that have a limit of their own.
#[derive(Debug)]
pub(crate) struct Concurrency {
    account: Arc<Slots>,
    endpoints: HashMap<String, Arc<Slots>>,
}

impl Concurrency {
    pub(crate) fn new(limits: &Limits, clock: &Arc<Clock>) -> Self {
        let slots = |(id, limit): (&String, &usize)| (id.clone(), Slots::new(Some(*limit), clock));
        Concurrency {
            account: Slots::new(limits.account, clock),
            endpoints: limits.endpoints.iter().map(slots).collect(),
        }
    }

    /// Sets the limit of the account.
    pub(crate) fn set_limit(&self, limit: Option<usize>) {
        self.account.set_limit(limit);
    }

    /// Returns the place of a queued job in its line, or `None` without a limit.
    pub(crate) fn queue(&self, endpoint: &str, is_low: bool, times: Times) -> Option<Seat> {
        Some(self.slots(endpoint)).filter(|slots| slots.are_limited()).map(|slots| slots.queue(is_low, times))
    }

    /// Returns the slot of a direct run, or `None` without a limit. Fails if no slot is free.
    pub(crate) fn enter(&self, endpoint: &str, run_time: Duration) -> Result<Option<Seat>, NoSlot> {
        let slots = self.slots(endpoint);
        if !slots.are_limited() {
            return Ok(None);
        }
        slots.enter(run_time).map(Some).ok_or(NoSlot)
    }

    fn slots(&self, endpoint: &str) -> &Arc<Slots> {
        self.endpoints.get(endpoint).unwrap_or(&self.account)
    }
}

/// No slot is free.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoSlot;
