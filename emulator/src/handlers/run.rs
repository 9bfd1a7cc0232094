use crate::handlers::call::Call;
use crate::handlers::jobs;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// Runs an endpoint directly, and responds with its result.
pub(super) async fn run(state: &State, call: Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let endpoint = jobs::endpoint(state, id, call.received)?;
    let job = jobs::accept(state, call.received, call.fault, endpoint, true)?;
    state.clock.sleep_until(job.ends_at()).await;
    job.released().await;
    Ok(reply::with_request_id(jobs::result(state, &job, call.received.urls()).await, &job.id))
}
