//! The webhooks of an emulator.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, watch};

use crate::queue::job::Job;
use crate::request::journal::{MAX_BYTES, MAX_REQUESTS};
use crate::saved::change::Kind;
use crate::saved::sink::Sink;
use crate::sync::lock;
use crate::webhooks::delivery::{WebhookAttempt, WebhookDelivery, WebhookState};
use crate::webhooks::fault::WebhookFault;
use crate::webhooks::signer::Signer;

/// The user of every request.
pub(crate) const USER_ID: &str = "emulator";

/// The webhooks of an emulator, and what signs them.
pub(crate) struct Outbox {
    sink: Sink,
    signer: Mutex<Signer>,
    faults: Mutex<VecDeque<WebhookFault>>,
    deliveries: Mutex<Deliveries>,
    /// The webhooks that no task delivers yet.
    submitted: Mutex<VecDeque<Submitted>>,
    wake: Notify,
    /// Changes with every attempt.
    changed: watch::Sender<()>,
    /// A permit for every attempt.
    pub(crate) posts: Semaphore,
}

/// The most attempts at a time.
const MAX_POSTS: usize = 64;

/// A webhook of a submitted job.
pub(crate) struct Submitted {
    pub(crate) job: Arc<Job>,
    pub(crate) url: String,
    pub(crate) fault: Option<WebhookFault>,
}

/// The latest deliveries, oldest first, and the bytes of their URLs and bodies.
#[derive(Default)]
struct Deliveries {
    entries: VecDeque<WebhookDelivery>,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn new(sink: Sink) -> Self {
        Outbox {
            sink,
            signer: Mutex::new(Signer::generate()),
            faults: Mutex::default(),
            deliveries: Mutex::default(),
            submitted: Mutex::default(),
            wake: Notify::new(),
            changed: watch::Sender::new(()),
            posts: Semaphore::new(MAX_POSTS),
        }
    }

    /// Returns the signer.
    pub(crate) fn signer(&self) -> Signer {
        lock(&self.signer).clone()
    }

    /// Replaces the key. The old one is not published any more.
    pub(crate) fn rotate_key(&self) {
        *lock(&self.signer) = Signer::generate();
    }

    /// Adds the webhook of a job that was accepted.
    pub(crate) fn submit(&self, job: &Arc<Job>, url: &str) {
        self.sink.put(Kind::Webhook, &job.id, || url);
        let delivery = WebhookDelivery {
            request_id: job.id.clone(),
            url: url.to_owned(),
            body: Bytes::new(),
            attempts: Vec::new(),
            state: WebhookState::Pending,
        };
        let mut deliveries = lock(&self.deliveries);
        deliveries.bytes += url.len();
        deliveries.entries.push_back(delivery);
        deliveries.trim();
        drop(deliveries);
        let fault = lock(&self.faults).pop_front();
        lock(&self.submitted).push_back(Submitted { job: Arc::clone(job), url: url.to_owned(), fault });
        self.wake.notify_one();
    }

    /// Waits for the next webhook that was submitted.
    pub(crate) async fn next(&self) -> Submitted {
        loop {
            let submitted = lock(&self.submitted).pop_front();
            match submitted {
                Some(submitted) => return submitted,
                None => self.wake.notified().await,
            }
        }
    }

    pub(crate) fn set_body(&self, request_id: &str, body: Bytes) {
        let size = body.len();
        let mut deliveries = lock(&self.deliveries);
        if let Some(delivery) = deliveries.get(request_id) {
            let before = std::mem::replace(&mut delivery.body, body).len();
            deliveries.bytes = deliveries.bytes + size - before;
        }
        deliveries.trim();
    }

    /// Returns the body of a webhook, or `None` if the webhook was removed to limit the memory.
    pub(crate) fn body(&self, request_id: &str) -> Option<Bytes> {
        lock(&self.deliveries).get(request_id).map(|delivery| delivery.body.clone())
    }

    /// Records an attempt, and the state after it.
    pub(crate) fn record(&self, request_id: &str, attempt: Option<WebhookAttempt>, state: WebhookState) {
        if state != WebhookState::Pending {
            self.sink.delete(Kind::Webhook, request_id);
        }
        if let Some(delivery) = lock(&self.deliveries).get(request_id) {
            delivery.attempts.extend(attempt);
            delivery.state = state;
        }
        self.changed.send_replace(());
    }

    pub(crate) fn all(&self) -> Vec<WebhookDelivery> {
        lock(&self.deliveries).entries.iter().cloned().collect()
    }

    /// Waits until the webhook of a request is not pending, or has had a number of attempts.
    pub(crate) async fn attempted(&self, request_id: &str, attempts: usize) -> Option<WebhookDelivery> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let delivery = lock(&self.deliveries).get(request_id).cloned()?;
            if delivery.state != WebhookState::Pending || delivery.attempts.len() >= attempts {
                return Some(delivery);
            }
            // The sender lives as long as this value.
            let _ = changed.changed().await;
        }
    }

    pub(crate) fn add_fault(&self, fault: WebhookFault) {
        lock(&self.faults).push_back(fault);
    }

    pub(crate) fn count_faults(&self) -> usize {
        lock(&self.faults).len()
    }

    pub(crate) fn clear_faults(&self) {
        lock(&self.faults).clear();
    }
}

impl Deliveries {
    fn get(&mut self, request_id: &str) -> Option<&mut WebhookDelivery> {
        self.entries.iter_mut().rev().find(|delivery| delivery.request_id == request_id)
    }

    fn trim(&mut self) {
        while self.entries.len() > MAX_REQUESTS || (self.bytes > MAX_BYTES && self.entries.len() > 1) {
            self.bytes -= self.entries.pop_front().map_or(0, |oldest| oldest.url.len() + oldest.body.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_limited_in_number_and_size() {
        let delivery = |number: usize| WebhookDelivery {
            request_id: number.to_string(),
            url: String::new(),
            body: Bytes::new(),
            attempts: Vec::new(),
            state: WebhookState::Pending,
        };
        let mut deliveries = Deliveries::default();
        for number in 0..3 * MAX_REQUESTS {
            deliveries.entries.push_back(delivery(number));
            deliveries.trim();
        }
        assert_eq!(deliveries.entries.len(), MAX_REQUESTS);
        assert_eq!(deliveries.entries[0].request_id, (2 * MAX_REQUESTS).to_string());
        deliveries.bytes = MAX_BYTES + 1;
        deliveries.trim();
        assert_eq!(deliveries.entries.len(), 1);
    }
}
