use std::sync::Arc;

use crate::faults::break_point::BreakPoint;
use crate::handlers::call::Call;
use crate::handlers::dispatch::dispatch;
use crate::request::received_request::ReceivedRequest;
use crate::response::refusal::Refusal;
use crate::response::reply::{Dropped, Reply};
use crate::state::State;
use crate::storage::content::Blob;

/// Responds to a request that was read, or refused. `read` is its body if the route takes a file.
pub(crate) async fn perform(
    state: &State,
    call: Call<'_>,
    read: Result<Option<Blob>, Refusal>,
    break_point: &BreakPoint,
) -> Result<Reply, Dropped> {
    let Call { received, fault, .. } = call;
    fault.wait(&state.clock).await;
    let response = match fault.replacement(&state.clock) {
        Some(replacement) => replacement,
        None => {
            let reply = match read {
                Ok(file) => handle(state, call, file).await,
                Err(refusal) => Err(refusal),
            };
            fault.apply(reply.unwrap_or_else(Refusal::into_reply), &state.clock, break_point)
        }
    };
    if let Ok(reply) = &response {
        received.set_status(reply.status().as_u16());
    }
    state.journal.decided();
    if let Some(on_request) = &state.settings.on_request {
        on_request(&ReceivedRequest(Arc::clone(received)));
    }
    response
}

/// Handles an admitted request by the tape, if there is one, or else by the handlers.
async fn handle(state: &State, call: Call<'_>, file: Option<Blob>) -> Result<Reply, Refusal> {
    #[cfg(feature = "record")]
    if let Some(tape) = &state.tape {
        return tape.respond(call.received, file).await;
    }
    dispatch(state, call, file).await
}
