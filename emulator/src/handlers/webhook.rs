//! Deliveries of webhooks.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::task::{JoinHandle, JoinSet};

use crate::handlers::jobs;
use crate::queue::job::{Job, Phase};
use crate::request::journal::MAX_REQUESTS;
use crate::response::exceeded::Exceeded;
use crate::state::State;
use crate::webhooks::delivery::{WebhookAttempt, WebhookState};
use crate::webhooks::fault::WebhookFault;
use crate::webhooks::outbox::{Submitted, USER_ID};
use crate::webhooks::post::post;
use crate::webhooks::signer::Signer;
use crate::webhooks::target::Target;
use crate::webhooks::{message, schedule};

/// The age of an old timestamp.
const OLD: Duration = Duration::from_secs(600);

/// The task that delivers webhooks. Dropping it ends all deliveries.
pub(crate) struct Couriers(JoinHandle<()>);

impl Couriers {
    pub(crate) fn start(state: Arc<State>) -> Self {
        Couriers(tokio::spawn(deliver_all(state)))
    }
}

impl Drop for Couriers {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Delivers webhooks without end. The deliveries belong to this future and end with it.
async fn deliver_all(state: Arc<State>) {
    let mut deliveries = JoinSet::new();
    loop {
        tokio::select! {
            submitted = state.outbox.next() => {
                if deliveries.len() < MAX_REQUESTS {
                    deliveries.spawn(deliver(Arc::clone(&state), submitted));
                } else {
                    let exceeded = Exceeded { max: MAX_REQUESTS, of: "pending webhooks" };
                    let failed = WebhookState::Failed(exceeded.to_string());
                    state.outbox.record(&submitted.job.id, None, failed);
                }
            }
            Some(_) = deliveries.join_next() => {}
        }
    }
}

/// Delivers a webhook once its job is completed, and retries until it is acknowledged.
async fn deliver(state: Arc<State>, Submitted { job, url, fault }: Submitted) {
    let target = Target::parse(&url, &state.settings.webhook_hosts);
    completed(&state, &job).await;
    let (completed, (body, result)) = (state.clock.now(), body(&state, &job, fault).await);
    let id = job.id.clone();
    // Only the outbox has the body, and only the queue has the job: they limit the memory.
    state.outbox.set_body(&id, body);
    drop(job);
    let target = match target {
        Ok(target) if fault != Some(WebhookFault::Lost) => target,
        Ok(_) => return state.outbox.record(&id, None, WebhookState::Failed("lost by a fault".to_owned())),
        Err(reason) => return state.outbox.record(&id, None, WebhookState::Failed(reason)),
    };
    let mut failed = 0;
    loop {
        let Some(attempt) = attempt(&state, &id, &target, failed, fault).await else { return };
        let (outcome, now) = (attempt.outcome.clone(), state.clock.now());
        let next = now + schedule::delay(failed + 1);
        let ends = match outcome {
            Ok(200..=299) => {
                if fault == Some(WebhookFault::Duplicate) && failed == 0 {
                    state.outbox.record(&id, Some(attempt), WebhookState::Pending);
                    failed += 1;
                    continue;
                }
                Some(WebhookState::Delivered)
            }
            Ok(status @ 300..=399) => Some(WebhookState::Failed(format!("redirect with status {status}"))),
            _ if !schedule::continues(failed + 1, next - completed, result) => {
                Some(WebhookState::Failed("no attempt was acknowledged".to_owned()))
            }
            _ => None,
        };
        let is_over = ends.is_some();
        state.outbox.record(&id, Some(attempt), ends.unwrap_or(WebhookState::Pending));
        if is_over {
            return;
        }
        failed += 1;
        state.clock.sleep_until(next).await;
    }
}

/// Waits until a job is completed.
async fn completed(state: &State, job: &Job) {
    let mut pushed = job.pushed();
    loop {
        // Marked as seen before the check, so that a change after the check wakes the wait.
        pushed.borrow_and_update();
        let moment = job.now();
        if moment.phase == Phase::Completed {
            return;
        }
        let due = job.moves_at(&moment);
        tokio::select! {
            _ = pushed.changed() => {}
            () = async { match due { Some(due) => state.clock.sleep_until(due).await, None => pending().await } } => {}
        }
    }
}

/// Returns the body of the webhook, and the size of the result.
async fn body(state: &State, job: &Arc<Job>, fault: Option<WebhookFault>) -> (Bytes, usize) {
    let failure = job.failure(&job.now());
    let reply = jobs::result(state, job, job.received.urls()).await;
    // A job may have a success as its injected outcome.
    let error = failure.filter(|_| !reply.status().is_success()).map(|failure| failure.error);
    let error = error.or_else(|| {
        (!reply.status().is_success()).then(|| format!("Invalid status code: {}", reply.status().as_u16()))
    });
    let payload = reply.into_body().collect().await.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
    (message::faulty_body(&job.id, error.as_deref(), &payload, fault).into(), payload.len())
}

/// Delivers a webhook once, unless it was removed. `failed` is the number of earlier attempts. Every attempt has a timestamp of
/// its own, by the clock of the system, so that receivers accept it after the emulator's clock was advanced.
async fn attempt(
    state: &State,
    request_id: &str,
    target: &Target,
    failed: usize,
    fault: Option<WebhookFault>,
) -> Option<WebhookAttempt> {
    let fault = fault.filter(|_| failed == 0);
    // It is never closed.
    let _permit = state.outbox.posts.acquire().await.ok();
    let body = state.outbox.body(request_id)?;
    let now = SystemTime::now();
    let sent_at = if fault == Some(WebhookFault::OldTimestamp) { now.checked_sub(OLD).unwrap_or(now) } else { now };
    let signer = match fault {
        // Its key is not published.
        Some(WebhookFault::WrongSignature) => Signer::generate(),
        _ => state.outbox.signer(),
    };
    let headers = signer.headers(request_id, USER_ID, sent_at, &body);
    let body = match fault {
        Some(WebhookFault::AlteredBody) => [&body, &b" "[..]].concat().into(),
        _ => body,
    };
    let (request, limit) = (pin!(post(target, &headers, body)), schedule::timeout(failed));
    let outcome = tokio::select! {
        outcome = request => outcome,
        () = state.clock.sleep(limit) => Err(format!("no response within {} s", limit.as_secs())),
    };
    let timestamp = sent_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Some(WebhookAttempt { outcome, timestamp })
}
