use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use crate::faults::fault::Fault;
use crate::request::operation::Operation;
use crate::request::received_request::ReceivedRequest;
use crate::sync::lock;

/// The injected faults that have not happened yet.
#[derive(Debug, Default)]
pub(crate) struct PendingFaults(Mutex<HashMap<Operation, VecDeque<Fault>>>);

impl PendingFaults {
    pub(crate) fn add(&self, operation: Operation, fault: Fault) {
        lock(&self.0).entry(operation).or_default().push_back(fault.of(operation));
    }

    /// Takes the fault for a request: the first one of its operation whose condition holds. One that repeats stays.
    pub(crate) fn take(&self, request: &ReceivedRequest) -> Fault {
        let mut faults = lock(&self.0);
        let taken = faults.get_mut(&request.operation()).and_then(|pending| {
            let position = pending.iter().position(|fault| fault.matches(request))?;
            if pending[position].repeats() { pending.get(position).cloned() } else { pending.remove(position) }
        });
        taken.unwrap_or_else(Fault::none)
    }

    /// Returns the number of faults that happen once.
    pub(crate) fn count(&self) -> usize {
        lock(&self.0).values().flatten().filter(|fault| !fault.repeats()).count()
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}
