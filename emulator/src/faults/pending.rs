use std::collections::HashMap;
use std::sync::Mutex;

use crate::faults::fault::Fault;
use crate::random;
use crate::request::operation::Operation;
use crate::request::received_request::ReceivedRequest;
use crate::sync::lock;

/// The injected faults that have not happened yet, or may happen again.
#[derive(Debug)]
pub(crate) struct PendingFaults {
    /// Decides which requests a fault with a probability happens to.
    seed: u64,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_operation: HashMap<Operation, Vec<Pending>>,
    /// The number of faults that were injected.
    injected: u64,
}

#[derive(Debug)]
struct Pending {
    fault: Fault,
    /// The number of faults that were injected before.
    number: u64,
    /// The number of requests that the fault matched.
    matched: u64,
    /// The number of requests that the fault may still happen to.
    left: u64,
}

/// A fault that may happen.
pub(crate) struct PendingFault {
    /// The number of faults that were injected before.
    pub(crate) number: u64,
    pub(crate) operation: Operation,
    pub(crate) fault: Fault,
    /// The number of requests that the fault may still happen to, if limited.
    pub(crate) left: Option<u64>,
}

impl PendingFaults {
    pub(crate) fn new(seed: u64) -> Self {
        PendingFaults { seed, entries: Mutex::default() }
    }

    pub(crate) fn add(&self, operation: Operation, fault: Fault) {
        let entries = &mut *lock(&self.entries);
        let number = entries.injected;
        entries.injected += 1;
        let pending = Pending { number, matched: 0, left: fault.most(), fault: fault.of(operation) };
        if pending.left > 0 {
            entries.by_operation.entry(operation).or_default().push(pending);
        }
    }

    /// Takes the fault for a request: the first one of its operation that is due.
    pub(crate) fn take(&self, request: &ReceivedRequest) -> Fault {
        let mut entries = lock(&self.entries);
        let Some(faults) = entries.by_operation.get_mut(&request.operation()) else {
            return Fault::none();
        };
        let mut taken = None;
        for pending in faults.iter_mut() {
            // A fault that counts sees every request, so that its count does not depend on other faults. The condition of any other
            // one is not called for a request that is taken.
            if (taken.is_some() && !pending.fault.counts()) || !pending.fault.matches(request) {
                continue;
            }
            if pending.count(self.seed) && taken.is_none() {
                pending.left -= 1;
                taken = Some(pending.fault.clone());
            }
        }
        faults.retain(|pending| pending.left > 0);
        taken.unwrap_or_else(Fault::none)
    }

    /// Returns the faults that have to happen, each with its operation and the number of requests that it may still happen to.
    pub(crate) fn expected(&self) -> Vec<(Operation, Fault, u64)> {
        let entries = lock(&self.entries);
        let all = entries.by_operation.iter().flat_map(|(operation, faults)| faults.iter().map(|it| (*operation, it)));
        let mut expected: Vec<_> = all.filter(|(_, pending)| pending.fault.is_expected()).collect();
        expected.sort_by_key(|(_, pending)| pending.number);
        expected.into_iter().map(|(operation, pending)| (operation, pending.fault.clone(), pending.left)).collect()
    }

    /// Returns all faults that may happen, in the order in which they were injected.
    pub(crate) fn all(&self) -> Vec<PendingFault> {
        let entries = lock(&self.entries);
        let all = entries.by_operation.iter().flat_map(|(operation, faults)| faults.iter().map(|it| (*operation, it)));
        let mut all: Vec<_> = all
            .map(|(operation, Pending { fault, number, left, .. })| PendingFault {
                number: *number,
                operation,
                fault: fault.clone(),
                left: Some(*left).filter(|_| fault.most() != u64::MAX),
            })
            .collect();
        all.sort_by_key(|pending| pending.number);
        all
    }

    /// Removes the fault of a number.
    pub(crate) fn remove(&self, number: u64) {
        for faults in lock(&self.entries).by_operation.values_mut() {
            faults.retain(|pending| pending.number != number);
        }
    }

    pub(crate) fn clear(&self) {
        lock(&self.entries).by_operation.clear();
    }
}

impl Pending {
    /// Counts a matching request, and returns whether the fault is due.
    fn count(&mut self, seed: u64) -> bool {
        self.matched += 1;
        let is_drawn = self.fault.share().is_none_or(|share| random::draw([seed, self.number, self.matched]) < share);
        self.left > 0 && self.matched >= self.fault.first() && is_drawn
    }
}
