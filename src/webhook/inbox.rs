//! The deliveries that arrived, and the callers that wait for them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::delivery::Delivery;

/// Limits of what arrived before a caller waits for it.
const MAX_KEPT: usize = 10_000;
const MAX_BYTES: usize = 64 << 20;

/// The time for which a delivery is kept. fal keeps a result for about as long, and a large one for a few minutes only.
const KEEP: Duration = Duration::from_secs(3600);

/// The arrival of a delivery. `None` if it was not kept: its result may be in the queue.
pub(super) type Arrival = Option<Delivery>;

/// Matches deliveries with waiting callers, in whatever order they come.
#[derive(Default)]
pub(super) struct Inbox(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: HashMap<String, Vec<oneshot::Sender<Arrival>>>,
    kept: HashMap<String, Kept>,
    /// The ids of `kept`, oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

struct Kept {
    delivery: Arrival,
    at: Instant,
}

impl Inbox {
    /// Hands a delivery to the callers that wait for its request, or keeps it for a later one.
    pub(super) fn accept(&self, request_id: String, delivery: Delivery) {
        let mut state = self.lock();
        state.forget_old();
        let waiting = state.waiting.remove(&request_id).unwrap_or_default();
        let mut is_taken = false;
        for caller in waiting {
            is_taken |= caller.send(Some(delivery.clone())).is_ok();
        }
        state.keep(request_id, Some(delivery).filter(|_| !is_taken));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, request_id: String, delivery: Arrival) {
        // A duplicate brings nothing new.
        if self.kept.contains_key(&request_id) {
            return;
        }
        self.bytes += size(&delivery);
        self.order.push_back(request_id.clone());
        self.kept.insert(request_id, Kept { delivery, at: Instant::now() });
        self.forget_old();
    }

    /// Takes the delivery of a request that has arrived.
    fn take(&mut self, request_id: &str) -> Option<Arrival> {
        let delivery = self.kept.get_mut(request_id)?.delivery.take();
        self.bytes -= size(&delivery);
        Some(delivery)
    }

    fn forget_old(&mut self) {
        let now = Instant::now();
        while let Some(oldest) = self.order.front()
            && (self.order.len() > MAX_KEPT || self.kept.get(oldest).is_none_or(|kept| now - kept.at > KEEP))
        {
            let oldest = self.order.pop_front().and_then(|oldest| self.kept.remove(&oldest));
            self.bytes -= oldest.map_or(0, |oldest| size(&oldest.delivery));
        }
        for request_id in &self.order {
            let Some(kept) = self.kept.get_mut(request_id) else { continue };
            if self.bytes <= MAX_BYTES {
                break;
            }
            self.bytes -= size(&kept.delivery.take());
        }
    }
}

fn size(delivery: &Arrival) -> usize {
    delivery.as_ref().map_or(0, |delivery| delivery.body.len())
}

/// A caller that waits for the delivery of a request. Dropping it ends the wait.
pub(super) struct Waiter {
    inbox: Weak<Inbox>,
    request_id: String,
    arrival: oneshot::Receiver<Arrival>,
}

impl Waiter {
    pub(super) fn new(inbox: &Weak<Inbox>, request_id: &str) -> Self {
        let (sender, arrival) = oneshot::channel();
        // Without an inbox, the sender is dropped here, which ends the wait.
        if let Some(inbox) = inbox.upgrade() {
            let mut state = inbox.lock();
            match state.take(request_id) {
                // The receiver exists, so that this does not fail.
                Some(arrival) => drop(sender.send(arrival)),
                None => state.waiting.entry(request_id.to_owned()).or_default().push(sender),
            }
        }
        Waiter { inbox: Weak::clone(inbox), request_id: request_id.to_owned(), arrival }
    }

    /// Waits for the delivery. `None` if it was not kept, or if the receiver was dropped and no delivery can come.
    pub(super) async fn arrival(&mut self) -> Arrival {
        (&mut self.arrival).await.ok().flatten()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.arrival.close();
        let Some(inbox) = self.inbox.upgrade() else { return };
        // A delivery that was sent at the last moment is kept for another caller.
        let unread = self.arrival.try_recv().ok().flatten();
        let mut state = inbox.lock();
        if let Some(delivery) = unread
            && let Some(kept) = state.kept.get_mut(&self.request_id)
            && kept.delivery.is_none()
        {
            let bytes = delivery.body.len();
            kept.delivery = Some(delivery);
            state.bytes += bytes;
            state.forget_old();
        }
        if let Some(waiting) = state.waiting.get_mut(&self.request_id) {
            waiting.retain(|caller| !caller.is_closed());
            if waiting.is_empty() {
                state.waiting.remove(&self.request_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::*;

    fn delivery(body: Bytes) -> Delivery {
        Delivery { request_id: "R".to_owned(), user_id: String::new(), sent_at: SystemTime::UNIX_EPOCH, body }
    }

    fn accept(inbox: &Inbox, id: &str, bytes: usize) {
        inbox.accept(id.to_owned(), delivery(vec![b'x'; bytes].into()));
    }

    fn arrived(waiter: &mut Waiter) -> Option<Option<usize>> {
        waiter.arrival().now_or_never().map(|arrival| arrival.map(|delivery| delivery.body.len()))
    }

    fn wait(inbox: &Arc<Inbox>, id: &str) -> Waiter {
        Waiter::new(&Arc::downgrade(inbox), id)
    }

    #[test]
    fn delivery_and_wait_meet_in_either_order() {
        let inbox = Arc::<Inbox>::default();
        accept(&inbox, "early", 1);
        assert_eq!(arrived(&mut wait(&inbox, "early")), Some(Some(1)));
        let mut waiter = wait(&inbox, "late");
        assert_eq!(arrived(&mut waiter), None);
        accept(&inbox, "late", 2);
        assert_eq!(arrived(&mut waiter), Some(Some(2)));
        assert_eq!(arrived(&mut wait(&inbox, "late")), Some(None), "known, but taken");
        assert_eq!(arrived(&mut wait(&inbox, "other")), None);
    }

    #[test]
    fn all_callers_of_a_request_get_its_delivery() {
        let inbox = Arc::<Inbox>::default();
        let mut waiters: Vec<Waiter> = (0..3).map(|_| wait(&inbox, "R")).collect();
        accept(&inbox, "R", 5);
        accept(&inbox, "R", 6);
        assert!(waiters.iter_mut().all(|waiter| arrived(waiter) == Some(Some(5))));
    }

    #[test]
    fn dropped_callers_leave_nothing_behind() {
        let inbox = Arc::<Inbox>::default();
        drop(wait(&inbox, "R"));
        assert!(inbox.lock().waiting.is_empty());
        let (first, mut second) = (wait(&inbox, "R"), wait(&inbox, "R"));
        drop(first);
        accept(&inbox, "R", 5);
        assert_eq!(arrived(&mut second), Some(Some(5)));
        assert!(inbox.lock().waiting.is_empty());
    }

    #[test]
    fn delivery_to_a_caller_that_is_dropped_is_kept() {
        let inbox = Arc::<Inbox>::default();
        let waiter = wait(&inbox, "R");
        accept(&inbox, "R", 5);
        drop(waiter);
        assert_eq!(arrived(&mut wait(&inbox, "R")), Some(Some(5)));
    }

    #[test]
    fn wait_ends_when_the_inbox_is_dropped() {
        let inbox = Arc::<Inbox>::default();
        let mut waiter = wait(&inbox, "R");
        let weak = Arc::downgrade(&inbox);
        drop(inbox);
        assert_eq!(arrived(&mut waiter), Some(None));
        assert_eq!(arrived(&mut Waiter::new(&weak, "R")), Some(None));
    }

    #[test]
    fn memory_is_bounded() {
        let inbox = Arc::<Inbox>::default();
        for number in 0..70 {
            accept(&inbox, &number.to_string(), 1 << 20);
        }
        assert!(inbox.lock().bytes <= MAX_BYTES);
        assert_eq!(arrived(&mut wait(&inbox, "0")), Some(None), "known, but too large to keep");
        assert_eq!(arrived(&mut wait(&inbox, "69")), Some(Some(1 << 20)));
        for number in 0..(2 * MAX_KEPT) {
            accept(&inbox, &format!("n{number}"), 1);
        }
        let state = inbox.lock();
        assert_eq!((state.kept.len(), state.order.len()), (MAX_KEPT, MAX_KEPT));
        assert_eq!(state.bytes, MAX_KEPT);
    }

    #[test]
    fn memory_is_bounded_when_waits_are_dropped() {
        let inbox = Arc::<Inbox>::default();
        let waiters: Vec<Waiter> = (0..70).map(|number| wait(&inbox, &number.to_string())).collect();
        for number in 0..70 {
            accept(&inbox, &number.to_string(), 1 << 20);
        }
        assert_eq!(inbox.lock().bytes, 0, "the waits have the deliveries");
        drop(waiters);
        assert_eq!(inbox.lock().bytes, MAX_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn deliveries_are_kept_for_a_time() {
        let inbox = Arc::<Inbox>::default();
        accept(&inbox, "R", 5);
        accept(&inbox, "S", 5);
        tokio::time::advance(KEEP).await;
        accept(&inbox, "other", 1);
        assert_eq!(arrived(&mut wait(&inbox, "R")), Some(Some(5)));
        assert_eq!(arrived(&mut wait(&inbox, "R")), Some(None), "known, but taken");
        tokio::time::advance(Duration::from_secs(1)).await;
        accept(&inbox, "another", 1);
        assert_eq!(arrived(&mut wait(&inbox, "S")), None, "unknown");
        assert_eq!(inbox.lock().bytes, 2);
    }
}
