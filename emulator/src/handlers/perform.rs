use std::sync::Arc;

use hyper::StatusCode;

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
    let response = match response {
        Ok(reply) => Ok(kept(state, reply).await),
        Err(dropped) => Err(dropped),
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

/// Waits until the state file has what a response acknowledges, so that the end of the process undoes nothing that a client knows of.
pub(crate) async fn kept(state: &State, reply: Reply) -> Reply {
    match state.sink.flushed().await {
        Ok(()) => reply,
        Err(reason) => Refusal::Detail(StatusCode::INSUFFICIENT_STORAGE, reason).into_reply(),
    }
}
