//! The queue: `queue.fal.run`.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Body;
use serde_json::json;

use crate::handlers::call::Call;
use crate::handlers::{auth, jobs, status_stream};
use crate::queue::job::{Cancelled, Job, Phase};
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::response::failure::Failure;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::webhooks::schedule;

/// The time for which payloads are stored.
const STORED: Duration = Duration::from_secs(30 * 86_400);

/// Queues a request.
pub(super) fn submit(state: &State, call: Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let endpoint = jobs::endpoint(state, id, call.received)?;
    if let Some(max) = call.received.max_queue_length() {
        let waiting = state.jobs.waiting(&endpoint.document.id) + u64::from(state.queued.ahead);
        if waiting > max {
            return Err(Refusal::QueueFull { waiting });
        }
    }
    let job = jobs::accept(state, call.received, call.fault, endpoint, false)?;
    let mut status = job.status(&job.start(), call.received.urls(), None);
    if let Some(url) = call.received.query("fal_webhook") {
        status["gateway_request_id"] = json!(job.id);
        state.outbox.submit(&job, url);
    }
    let reply = reply::json(StatusCode::OK, &status);
    Ok(reply::with_request_id(reply, &job.id))
}

/// Finds the queued job of a request id.
pub(super) fn job(state: &State, app: &str, request_id: &str, received: &Received) -> Result<Arc<Job>, Refusal> {
    auth::check_app_key(state, received, app)?;
    let job = state.jobs.get(request_id).filter(|job| job.endpoint.app == app && !job.is_direct());
    job.ok_or(Refusal::NoRequest)
}

/// Responds to a call about a queued job.
pub(super) async fn handle(
    state: &State,
    operation: Operation,
    job: &Arc<Job>,
    received: &Received,
) -> Result<Reply, Refusal> {
    let reply = match operation {
        Operation::StatusStream => status_stream::reply(state, Arc::clone(job), received),
        Operation::Result => result(state, job, received).await,
        Operation::Cancel => cancel(job),
        _ => status(job, received),
    };
    Ok(reply::with_request_id(reply, &job.id))
}

fn status(job: &Job, received: &Received) -> Reply {
    let moment = job.now();
    let logs = received.wants_logs().then_some(0..moment.logged);
    let status = match moment.phase {
        Phase::Completed => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    reply::json(status, &job.status(&moment, received.urls(), logs))
}

async fn result(state: &State, job: &Arc<Job>, received: &Received) -> Reply {
    match job.now().phase {
        Phase::Completed => kept(state, job, jobs::result(state, job, received.urls()).await),
        _ => {
            let mut early = job.links(received.urls());
            early["detail"] = json!("Request is still in progress");
            reply::json(StatusCode::BAD_REQUEST, &early)
        }
    }
}

/// Returns the result of a completed job, unless it has expired: the queue keeps it for an hour or six minutes, and the storage of
/// payloads for 30 days, unless the client has switched it off.
fn kept(state: &State, job: &Job, result: Reply) -> Reply {
    let bytes = result.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default();
    let time = if job.received.stores_payloads() { STORED } else { schedule::kept(bytes) };
    let age = job.ended_at().and_then(|ended_at| state.clock.date().duration_since(ended_at).ok());
    if age.is_some_and(|age| age >= time) { Failure::expired().reply() } else { result }
}

fn cancel(job: &Job) -> Reply {
    match job.cancel() {
        Cancelled::BeforeStart => reply::word(StatusCode::OK, "OK"),
        Cancelled::Running => reply::word(StatusCode::ACCEPTED, "CANCELLATION_REQUESTED"),
        Cancelled::TooLate => reply::word(StatusCode::BAD_REQUEST, "ALREADY_COMPLETED"),
    }
}
