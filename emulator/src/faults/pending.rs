use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use crate::faults::fault::Fault;
use crate::request::operation::Operation;
use crate::request::received_request::ReceivedRequest;
use crate::sync::lock;

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(crate) struct PendingFaults(Mutex<HashMap<Operation, VecDeque<Fault>>>);

impl PendingFaults {
    pub(crate) fn add(&self, operation: Operation, fault: Fault) {
        lock(&self.0).entry(operation).or_default().push_back(fault);
    }

    /// The fault for a request: the first that was ordered for its operation and that may befall it.
    pub(crate) fn take(&self, request: &ReceivedRequest) -> Fault {
        let mut faults = lock(&self.0);
        let ordered = faults.get_mut(&request.operation());
        ordered
            .and_then(|ordered| ordered.remove(ordered.iter().position(|fault| fault.matches(request))?))
            .unwrap_or_else(Fault::none)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        lock(&self.0).values().map(VecDeque::len).sum()
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}
