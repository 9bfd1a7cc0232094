use std::future::pending;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;

use crate::faults::break_point::BreakPoint;
use crate::faults::fault::Cut;
use crate::handlers::call::Call;
use crate::handlers::dispatch::dispatch;
use crate::http::body::{self, MAX_BYTES};
use crate::request::received::Received;
use crate::request::received_request::ReceivedRequest;
use crate::request::route::Route;
use crate::response::refusal::Refusal;
use crate::response::reply::{Dropped, Reply};
use crate::state::State;
use crate::storage::content::Blob;

/// Responds to a request, or drops its connection if a fault says so.
pub(super) async fn respond(
    state: &State,
    request: Request<Incoming>,
    break_point: &BreakPoint,
) -> Result<Reply, Dropped> {
    let (head, incoming) = request.into_parts();
    let route = Route::parse(&head.method, head.uri.path());
    let endpoint = endpoint(state, &route);
    let request = state.journal.begin(route.operation(), |in_flight| Received::new(&route, endpoint, in_flight, head));
    let received = &request.received;
    let fault = state.faults.take(&ReceivedRequest(Arc::clone(received)));
    if let Some((bytes, cut)) = fault.request_cut() {
        let _rest = body::read_some(incoming, bytes).await;
        return match cut {
            Cut::Drop => Err(Dropped),
            Cut::Stall => pending().await,
        };
    }
    let read = read_body(state, &route, incoming, received).await?;
    request.was_read();

    let response = match read {
        Ok(file) => {
            fault.wait(&state.clock).await;
            match fault.replacement(&state.clock) {
                Some(replacement) => replacement,
                None => {
                    let call = Call { route: &route, received, fault: &fault };
                    let reply = dispatch(state, call, file).await.unwrap_or_else(Refusal::into_reply);
                    fault.apply(reply, &state.clock, break_point)
                }
            }
        }
        Err(refusal) => Ok(refusal.into_reply()),
    };
    if let Ok(reply) = &response {
        received.set_status(reply.status().as_u16());
    }
    if let Some(on_request) = &state.settings.on_request {
        on_request(&ReceivedRequest(Arc::clone(received)));
    }
    response
}

/// Reads the body, and returns it if it is a file. A client that disconnects early gets no response.
async fn read_body(
    state: &State,
    route: &Route,
    incoming: Incoming,
    received: &Received,
) -> Result<Result<Option<Blob>, Refusal>, Dropped> {
    if route.takes_file() {
        let read = body::read_file(incoming, state.store.blob()).await.map_err(|_| Dropped)?;
        received.set_file_size(read.as_ref().map_or(0, Blob::size));
        return Ok(read.map(Some).map_err(Refusal::NoRoom));
    }
    let read = body::read(incoming).await.map_err(|_| Dropped)?;
    let checked = if read.is_some() { Ok(None) } else { Err(Refusal::TooLarge { max_bytes: MAX_BYTES }) };
    received.set_body(read.unwrap_or_default());
    Ok(checked)
}

/// Returns the endpoint that a request is about.
fn endpoint(state: &State, route: &Route) -> Option<String> {
    match route {
        Route::Run { id } | Route::Submit { id } => Some(id.clone()),
        Route::Job { app, request_id, .. } => {
            let job = state.jobs.get(request_id).filter(|job| job.endpoint.app == *app);
            Some(job.map_or_else(|| app.clone(), |job| job.endpoint.document.id.clone()))
        }
        _ => None,
    }
}
