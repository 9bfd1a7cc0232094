use std::future::pending;
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::header::{EXPECT, ORIGIN};
use hyper::http::request::Parts;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, StatusCode};
use tokio::sync::OwnedSemaphorePermit;

use crate::control;
use crate::faults::break_point::BreakPoint;
use crate::faults::fault::Cut;
use crate::handlers::admit::admit;
use crate::handlers::call::Call;
use crate::handlers::perform::{kept, perform};
use crate::http::body::{self, Held, Unread};
use crate::http::cors;
use crate::http::forward::forward;
use crate::http::hosts::{self, Arrival};
use crate::http::tunnel::{self, Tunnel};
use crate::http::way::Way;
use crate::page::visit;
use crate::request::received::{Received, is_websocket};
use crate::request::received_request::ReceivedRequest;
use crate::request::route::Route;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Dropped, Reply};
use crate::sessions::session::Session;
use crate::state::State;
use crate::storage::content::Blob;
use crate::sync::lock;
use crate::urls::Urls;

/// The new use of a connection once the response is sent.
pub(super) enum Upgrade<'s> {
    /// A WebSocket.
    Session(Box<Session<'s>>),
    Tunnel(Tunnel),
}

/// Responds to a request, or drops its connection if a fault says so. Sets the upgrade of a connection that becomes a WebSocket
/// or a tunnel.
pub(super) async fn respond<'s>(
    state: &'s Arc<State>,
    request: Request<Incoming>,
    way: &Way,
    break_point: &BreakPoint,
    becomes: &Mutex<Option<Upgrade<'s>>>,
) -> Result<Reply, Dropped> {
    let (mut head, incoming) = request.into_parts();
    if head.method == Method::CONNECT {
        return Ok(match Tunnel::prepare(&mut head, way, state).await {
            Ok(tunnel) => {
                *lock(becomes) = Some(Upgrade::Tunnel(tunnel));
                reply::empty()
            }
            Err(refusal) => tunnel::refused(refusal),
        });
    }
    let urls = match hosts::arrive(&mut head, way, state) {
        Ok(Arrival::Here(urls)) => urls,
        Ok(Arrival::Elsewhere) => {
            return Ok(forward(head, incoming, state).await.unwrap_or_else(Refusal::into_reply));
        }
        Err(refusal) => return Ok(refusal.into_reply()),
    };
    if let Some(own) = Own::of(&head) {
        return own.respond(state, head, incoming).await;
    }
    if let Some(reply) = cors::preflight(&head) {
        return Ok(reply);
    }
    respond_as_fal(state, urls, head, incoming, break_point, becomes).await
}

/// Responds to a request for one of fal's hosts.
async fn respond_as_fal<'s>(
    state: &'s Arc<State>,
    urls: Urls,
    mut head: Parts,
    incoming: Incoming,
    break_point: &BreakPoint,
    becomes: &Mutex<Option<Upgrade<'s>>>,
) -> Result<Reply, Dropped> {
    let arrived = state.clock.now();
    let is_of_page = head.headers.contains_key(ORIGIN);
    let upgrade = head.extensions.remove::<OnUpgrade>();
    let route = Route::parse(&head.method, head.uri.path(), is_websocket(&head.headers));
    let endpoint = endpoint(state, &route);
    let request =
        state.journal.begin(route.operation(), |in_flight| Received::new(&route, endpoint, in_flight, urls, head));
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
    let (read, _permit) = match read {
        Ok(Read { file, permit }) => (Ok(file), permit),
        Err(Unread::Refused(refusal)) => (Err(refusal), None),
        Err(Unread::Disconnected) => return Err(Dropped),
    };
    request.was_read();
    let call = Call { route: &route, received, fault: &fault };
    state.clock.sleep_since(arrived, state.settings.latency).await;
    let mut response = perform(state, call, read, break_point).await?;
    if is_of_page {
        cors::allow(response.headers_mut());
    }
    if let Some(upgrade) = upgrade.filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS) {
        let break_point = break_point.clone();
        *lock(becomes) = Some(Upgrade::Session(Box::new(Session { upgrade, route, request, fault, break_point })));
    }
    Ok(response)
}

/// A part of the emulator that is not fal's.
#[derive(Clone, Copy)]
enum Own {
    Page,
    Control,
}

impl Own {
    /// Returns the part that has a path. The paths of a real host name begin with that name, so none of them is here.
    fn of(head: &Parts) -> Option<Self> {
        match head.uri.path() {
            path if visit::serves(&head.method, path) => Some(Own::Page),
            path if control::serves(path) => Some(Own::Control),
            _ => None,
        }
    }

    /// Responds to a request, which has no record and takes no fault.
    async fn respond(self, state: &Arc<State>, head: Parts, incoming: Incoming) -> Result<Reply, Dropped> {
        let admitted = match self {
            Own::Page => visit::admit(&head),
            Own::Control => control::admit(&head),
        };
        if let Err(refusal) = admitted {
            body::discard(incoming);
            return Ok(refusal.into_reply());
        }
        match body::read(incoming, &state.bodies).await {
            Ok(Held { bytes, permit: _permit }) => {
                let reply = match self {
                    Own::Page => visit::respond(state, &head, bytes).await,
                    Own::Control => control::respond(state, &head, bytes).await,
                };
                Ok(kept(state, reply).await)
            }
            Err(Unread::Refused(refusal)) => Ok(refusal.into_reply()),
            Err(Unread::Disconnected) => Err(Dropped),
        }
    }
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
        Route::Realtime { id } => {
            Some(state.catalog.realtime(id).map_or_else(|| id.clone(), |endpoint| endpoint.document.id.clone()))
        }
        Route::Stream { id } | Route::Calls { id } => {
            Some(state.catalog.streamed(id).map_or_else(|| id.clone(), |endpoint| endpoint.document.id.clone()))
        }
        Route::Job { app, request_id, .. } => {
            let job = state.jobs.get(request_id).filter(|job| job.endpoint.app == *app);
            Some(job.map_or_else(|| app.clone(), |job| job.endpoint.document.id.clone()))
        }
        Route::Payloads { request_id } => state.jobs.get(request_id).map(|job| job.endpoint.document.id.clone()),
        _ => None,
    }
}
