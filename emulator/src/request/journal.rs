use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::request::received_request::ReceivedRequest;
use crate::sync::lock;

/// How many requests, and how many bytes of their bodies, an emulator remembers.
pub(crate) const MAX_REQUESTS: usize = 10_000;
pub(crate) const MAX_BODY_BYTES: usize = 256 << 20;

/// The latest requests, bounded in number and size, and how many of them are under way.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    requests: VecDeque<Entry>,
    /// How many are forgotten.
    forgotten: usize,
    bytes: usize,
    in_flight: HashMap<Operation, usize>,
}

#[derive(Debug)]
struct Entry {
    received: Arc<Received>,
    /// How many bytes of it are counted.
    bytes: usize,
}

/// A request that is under way, until it is dropped.
pub(crate) struct InFlight<'a> {
    journal: &'a Journal,
    number: usize,
    pub(crate) received: Arc<Received>,
}

impl Journal {
    /// Takes note of a request that has come; `received` is told how many of its kind are under way.
    pub(crate) fn begin(&self, operation: Operation, received: impl FnOnce(usize) -> Received) -> InFlight<'_> {
        let mut entries = lock(&self.0);
        let in_flight = entries.in_flight.entry(operation).or_default();
        *in_flight += 1;
        let received = Arc::new(received(*in_flight));
        let number = entries.forgotten + entries.requests.len();
        entries.requests.push_back(Entry { received: Arc::clone(&received), bytes: 0 });
        entries.trim();
        InFlight { journal: self, number, received }
    }

    pub(crate) fn all(&self) -> Vec<ReceivedRequest> {
        lock(&self.0).requests.iter().map(|entry| ReceivedRequest(Arc::clone(&entry.received))).collect()
    }
}

impl InFlight<'_> {
    /// Counts the body, now that it is there.
    pub(crate) fn was_read(&self) {
        let (mut entries, bytes) = (lock(&self.journal.0), self.received.size());
        let index = self.number.checked_sub(entries.forgotten);
        if let Some(entry) = index.and_then(|index| entries.requests.get_mut(index)) {
            entry.bytes = bytes;
            entries.bytes += bytes;
            entries.trim();
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.journal.0).in_flight.get_mut(&self.received.operation()) {
            *count -= 1;
        }
    }
}

impl Entries {
    fn trim(&mut self) {
        while self.requests.len() > MAX_REQUESTS || (self.bytes > MAX_BODY_BYTES && self.requests.len() > 1) {
            self.bytes -= self.requests.pop_front().map_or(0, |oldest| oldest.bytes);
            self.forgotten += 1;
        }
    }
}
