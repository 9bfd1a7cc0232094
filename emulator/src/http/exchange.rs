use std::future::pending;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::EXPECT;
use tokio::sync::OwnedSemaphorePermit;

use crate::faults::break_point::BreakPoint;
use crate::faults::fault::Cut;
use crate::handlers::admit::admit;
use crate::handlers::call::Call;
use crate::handlers::dispatch::dispatch;
use crate::http::body::{self, Held, Unread};
use crate::http::hosts;
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
    if let Err(refusal) = hosts::check(&head, &state.settings.allowed_hosts) {
        return Ok(refusal.into_reply());
    }
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
    let read = match admit(state, &route, received) {
        Ok(()) => read_body(state, &route, incoming, received).await,
        Err(refusal) => {
            // A client that waits for the permission to send has not sent a body.
            if !received.headers().contains_key(EXPECT) {
                body::discard(incoming);
            }
            Err(Unread::Refused(refusal))
        }
    };
    let read = match read {
        Ok(read) => Ok(read),
        Err(Unread::Refused(refusal)) => Err(refusal),
        Err(Unread::Disconnected) => return Err(Dropped),
    };
    request.was_read();

    fault.wait(&state.clock).await;
    let response = match fault.replacement(&state.clock) {
        Some(replacement) => replacement,
        None => {
            let reply = match read {
                Ok(Read { file, permit: _permit }) => {
                    dispatch(state, Call { route: &route, received, fault: &fault }, file).await
                }
                Err(refusal) => Err(refusal),
            };
            fault.apply(reply.unwrap_or_else(Refusal::into_reply), &state.clock, break_point)
        }
    };
    if let Ok(reply) = &response {
        received.set_status(reply.status().as_u16());
    }
    if let Some(on_request) = &state.settings.on_request {
        on_request(&ReceivedRequest(Arc::clone(received)));
    }
    response
}

/// A body that was read.
struct Read {
    /// The body, if it is a file.
    file: Option<Blob>,
    /// Counts any other body while it is handled.
    permit: Option<OwnedSemaphorePermit>,
}

async fn read_body(state: &State, route: &Route, incoming: Incoming, received: &Received) -> Result<Read, Unread> {
    if route.takes_file() {
        let file = body::read_file(incoming, state.store.blob()).await?;
        received.set_file_size(file.size());
        return Ok(Read { file: Some(file), permit: None });
    }
    let Held { bytes, permit } = body::read(incoming, &state.bodies).await?;
    received.set_body(bytes);
    Ok(Read { file: None, permit: Some(permit) })
}

/// Returns the endpoint that a request is about.
fn endpoint(state: &State, route: &Route) -> Option<String> {
    match route {
        Route::Run { id } | Route::Submit { id } => Some(id.clone()),
        Route::Stream { id } => {
            Some(state.catalog.streamed(id).map_or_else(|| id.clone(), |endpoint| endpoint.document.id.clone()))
        }
        Route::Job { app, request_id, .. } => {
            let job = state.jobs.get(request_id).filter(|job| job.endpoint.app == *app);
            Some(job.map_or_else(|| app.clone(), |job| job.endpoint.document.id.clone()))
        }
        _ => None,
    }
}
