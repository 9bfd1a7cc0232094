use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::request::received_request::ReceivedRequest;
use crate::sync::lock;

/// The most requests that are remembered by default.
pub(crate) const MAX_REQUESTS: usize = 10_000;
/// The most bytes of requests that are remembered.
pub(crate) const MAX_BYTES: usize = 256 << 20;

/// The latest requests, limited in number and size, and the number of requests in flight.
#[derive(Debug)]
pub(crate) struct Journal {
    /// The most requests that are remembered.
    max: usize,
    entries: Mutex<Entries>,
    /// Wakes those who wait for requests.
    news: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Entries {
    requests: VecDeque<Entry>,
    /// The number of requests that were removed.
    removed: usize,
    bytes: usize,
    in_flight: HashMap<Operation, usize>,
}

#[derive(Debug)]
struct Entry {
    received: Arc<Received>,
    /// The bytes that are counted for it.
    bytes: usize,
}

/// A request in flight, until this value is dropped.
pub(crate) struct InFlight<'a> {
    journal: &'a Journal,
    number: usize,
    pub(crate) received: Arc<Received>,
}

impl Journal {
    pub(crate) fn new(max: usize) -> Self {
        Journal { max, entries: Mutex::default(), news: watch::Sender::new(()) }
    }

    /// Records a request that arrived. `received` gets the number of requests of its operation in flight.
    pub(crate) fn begin(&self, operation: Operation, received: impl FnOnce(usize) -> Received) -> InFlight<'_> {
        let mut entries = lock(&self.entries);
        let in_flight = entries.in_flight.entry(operation).or_default();
        *in_flight += 1;
        let received = Arc::new(received(*in_flight));
        let number = entries.removed + entries.requests.len();
        let bytes = received.size();
        entries.requests.push_back(Entry { received: Arc::clone(&received), bytes });
        entries.bytes += bytes;
        entries.trim(self.max);
        InFlight { journal: self, number, received }
    }

    /// Returns the requests, each with the number of requests before it.
    pub(crate) fn numbered(&self) -> Vec<(usize, ReceivedRequest)> {
        let entries = lock(&self.entries);
        let requests = entries.requests.iter().map(|entry| ReceivedRequest(Arc::clone(&entry.received)));
        (entries.removed..).zip(requests).collect()
    }

    /// Returns a receiver that wakes when a request was read, or its response is decided.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Waits until `found` has a result. It runs now, and whenever a request was read or its response is decided.
    pub(crate) async fn wait_for<T>(&self, found: impl Fn() -> Option<T>) -> T {
        let mut news = self.news();
        loop {
            // Marked as seen before the check, so that a change after the check wakes the wait.
            news.borrow_and_update();
            if let Some(result) = found() {
                return result;
            }
            // The sender lives as long as the journal, so this never fails.
            let _ = news.changed().await;
        }
    }

    /// Reports that the response to a request is decided.
    pub(crate) fn decided(&self) {
        self.news.send_replace(());
    }

    pub(crate) fn all(&self) -> Vec<ReceivedRequest> {
        lock(&self.entries).requests.iter().map(|entry| ReceivedRequest(Arc::clone(&entry.received))).collect()
    }
}

impl InFlight<'_> {
    /// Counts the body, once it was read.
    pub(crate) fn was_read(&self) {
        let (mut entries, bytes) = (lock(&self.journal.entries), self.received.size());
        let index = self.number.checked_sub(entries.removed);
        if let Some(entry) = index.and_then(|index| entries.requests.get_mut(index)) {
            let before = std::mem::replace(&mut entry.bytes, bytes);
            entries.bytes = entries.bytes + bytes - before;
            entries.trim(self.journal.max);
        }
        drop(entries);
        self.journal.news.send_replace(());
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(count) = lock(&self.journal.entries).in_flight.get_mut(&self.received.operation()) {
            *count -= 1;
        }
    }
}

impl Entries {
    fn trim(&mut self, max: usize) {
        while self.requests.len() > max || (self.bytes > MAX_BYTES && self.requests.len() > 1) {
            self.bytes -= self.requests.pop_front().map_or(0, |oldest| oldest.bytes);
            self.removed += 1;
        }
    }
}
