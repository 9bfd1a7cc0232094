use hyper::upgrade::OnUpgrade;

use crate::faults::break_point::BreakPoint;
use crate::faults::fault::Fault;
use crate::request::journal::InFlight;
use crate::request::route::Route;
use crate::sessions::socket::Socket;
use crate::sessions::{calls, realtime};
use crate::state::State;

/// A connection that becomes a WebSocket once the response to its handshake is sent.
pub(crate) struct Session<'s> {
    pub(crate) upgrade: OnUpgrade,
    pub(crate) route: Route,
    /// The handshake, in flight as long as the connection.
    pub(crate) request: InFlight<'s>,
    pub(crate) fault: Fault,
    pub(crate) break_point: BreakPoint,
}

impl Session<'_> {
    /// Serves the connection until it ends.
    pub(crate) async fn serve(self, state: &State) {
        let Session { upgrade, route, request, fault, break_point } = self;
        let Ok(upgraded) = upgrade.await else { return };
        if let Some(bytes) = fault.byte_limit() {
            break_point.set(bytes);
        }
        let limit = fault.message_limit();
        let broken = limit.as_ref().and_then(|limit| limit.check().err());
        let mut socket = Socket::new(upgraded, state.bodies.clone(), limit).await;
        if let Some(cut) = broken {
            socket.break_off(cut).await;
            return;
        }
        for frame in fault.own_frames().into_iter().flatten() {
            if socket.send(frame.clone()).await.is_err() {
                return;
            }
        }
        match &route {
            Route::Realtime { id } => realtime::serve(state, &mut socket, id, &request.received, &break_point).await,
            Route::Calls { id } => calls::serve(state, &mut socket, id, &request.received, &break_point).await,
            _ => {}
        }
    }
}
