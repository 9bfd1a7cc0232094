//! Calls over a WebSocket: `ws.fal.run`. Each message is the body of a request, and gets the response in frames.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::Sender;

use crate::faults::break_point::BreakPoint;
use crate::faults::fault::{Cut, Fault, Instead};
use crate::faults::frame::Frame;
use crate::handlers::call::Call;
use crate::handlers::perform::perform;
use crate::random;
use crate::request::journal::InFlight;
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::request::received_request::ReceivedRequest;
use crate::request::route::Route;
use crate::sessions::codec;
use crate::sessions::incoming::Incoming;
use crate::sessions::pump::Pump;
use crate::sessions::responder::Responder;
use crate::sessions::socket::Socket;
use crate::state::State;

/// The most bytes of a body in one frame.
const MAX_FRAME: usize = 1 << 20;

pub(super) async fn serve(
    state: &State,
    socket: &mut Socket,
    id: &str,
    handshake: &Received,
    break_point: &BreakPoint,
) {
    let route = match state.catalog.endpoint(id) {
        Some(_) => Route::Run { id: id.to_owned() },
        None => Route::Stream { id: id.to_owned() },
    };
    let calls = &Calls { state, route, handshake, break_point };
    let pump = Pump { clock: &state.clock, buffering: None, session_timeout: None };
    pump.run(socket, |message| calls.arrive(message), |request, frames| calls.handle(request, frames)).await;
}

/// A connection.
struct Calls<'s> {
    state: &'s State,
    route: Route,
    handshake: &'s Received,
    break_point: &'s BreakPoint,
}

/// A request that arrived.
struct Request<'s> {
    request: InFlight<'s>,
    fault: Fault,
    /// Counts the message while it is handled.
    _message: Incoming,
}

impl<'s> Calls<'s> {
    fn arrive(&self, mut message: Incoming) -> Request<'s> {
        let decoded = message.decode(codec::decode_json);
        let request = self.state.journal.begin(Operation::WebSocketRun, |in_flight| {
            let received = Received::message(self.handshake, Operation::WebSocketRun, in_flight);
            received.set_message(message.bytes.clone(), decoded);
            received
        });
        let fault = self.state.faults.take(&ReceivedRequest(Arc::clone(&request.received)));
        Request { request, fault, _message: message }
    }

    async fn handle(&self, request: Request<'s>, frames: Sender<Frame>) -> Result<(), Cut> {
        let Request { request, fault, .. } = request;
        let received = &request.received;
        if let Some((_, cut)) = fault.request_cut() {
            return Err(cut);
        }
        let start = self.state.clock.now();
        let mut responder = Responder::new(frames, None);
        if let (Some(Instead::Frames(frames)), false) = (fault.instead(), fault.is_after_effect()) {
            fault.wait(&self.state.clock).await;
            return responder.send_all(frames).await;
        }
        let call = Call { route: &self.route, received, fault: &fault };
        let reply = perform(self.state, call, Ok(None), self.break_point).await.map_err(|_| Cut::Drop)?;
        if let Some(Instead::Frames(frames)) = fault.instead() {
            return responder.send_all(frames).await;
        }
        let time_to_first_byte = (self.state.clock.now() - start).as_secs_f64();
        let (head, mut body) = reply.into_parts();
        let status = head.status.as_u16();
        let id = head.headers.get("x-fal-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let id = id.unwrap_or_else(random::uuid);
        let headers = headers(&head.headers);
        responder
            .send(Frame::json(&json!({ "type": "start", "request_id": id, "status": status, "headers": headers })))
            .await?;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Cut::Drop)?;
            if let Ok(mut bytes) = frame.into_data() {
                while !bytes.is_empty() {
                    let part = bytes.split_to(bytes.len().min(MAX_FRAME));
                    responder.send(body_frame(part)).await?;
                }
            }
        }
        let end = json!({
            "type": "end",
            "request_id": id,
            "status": status,
            "time_to_first_byte_seconds": time_to_first_byte,
        });
        responder.send(Frame::json(&end)).await
    }
}

/// Returns a part of a body as a text frame, or as a binary one if it is not text or looks like one of the frames around it.
fn body_frame(bytes: Bytes) -> Frame {
    let is_control = |text: &str| {
        let value: Option<Value> = text.starts_with('{').then(|| serde_json::from_str(text).ok()).flatten();
        value.is_some_and(|value| value.get("type").is_some() && value.get("request_id").is_some())
    };
    match std::str::from_utf8(&bytes) {
        Ok(text) if !is_control(text) => Frame::text(text),
        _ => Frame::binary(bytes),
    }
}

fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned().into();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
