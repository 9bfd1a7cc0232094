//! Realtime connections: each message is an input, and gets its output.

use std::sync::Arc;

use serde::de::Error as _;
use serde_json::{Error, Value, json};
use tokio::sync::mpsc::Sender;

use crate::endpoints::endpoint::Endpoint;
use crate::faults::break_point::BreakPoint;
use crate::faults::fault::{Cut, Fault, Instead};
use crate::faults::frame::Frame;
use crate::handlers::call::Call;
use crate::handlers::{auth, jobs, websocket};
use crate::input::upload_policy;
use crate::request::journal::InFlight;
use crate::request::operation::Operation;
use crate::request::received::{Received, weight};
use crate::request::received_request::ReceivedRequest;
use crate::request::route::Route;
use crate::sessions::codec;
use crate::sessions::incoming::Incoming;
use crate::sessions::pump::Pump;
use crate::sessions::responder::Responder;
use crate::sessions::socket::Socket;
use crate::state::State;

/// The code of a close frame that ends a session without an error.
const NORMAL: u16 = 1000;

pub(super) async fn serve(
    state: &State,
    socket: &mut Socket,
    id: &str,
    handshake: &Received,
    break_point: &BreakPoint,
) {
    if auth::token(handshake).is_some_and(|token| state.tokens.check(token, id).is_err()) {
        if socket.send(Frame::unauthorized()).await.is_ok() {
            socket.close(1008, "Unauthorized").await;
        }
        return;
    }
    // The app refuses the handshake with 403, but the gateway in front of it has accepted it already.
    if handshake.headers().contains_key(upload_policy::HEADER) {
        socket.close(1011, "Error while forwarding the request").await;
        return;
    }
    let Some(endpoint) = state.catalog.realtime(id) else { return };
    let realtime = Realtime { state, endpoint, handshake, break_point, codec: Codec::of_path(id) };
    let timeout = Frame::error("TIMEOUT", "no inputs, reconnect when needed!");
    let pump = Pump {
        clock: &state.clock,
        buffering: websocket::buffering(handshake).unwrap_or_default(),
        session_timeout: state.settings.session_timeout.map(|time| (time, vec![timeout, Frame::close(NORMAL, "")])),
    };
    let realtime = &realtime;
    let handle = |input, frames| realtime.handle(input, frames);
    pump.run(socket, |message| realtime.arrive(message), handle).await;
}

/// The format of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    /// MessagePack in binary frames. fal's apps read no text frames.
    MessagePack,
    /// JSON in text or binary frames, for apps with that codec.
    Json,
}

impl Codec {
    /// Returns the codec of a path: JSON below `/json`.
    fn of_path(path: &str) -> Self {
        if path.ends_with("/json") { Codec::Json } else { Codec::MessagePack }
    }
}

/// A connection.
struct Realtime<'s> {
    state: &'s State,
    endpoint: &'s Arc<Endpoint>,
    handshake: &'s Received,
    break_point: &'s BreakPoint,
    codec: Codec,
}

/// An input that arrived.
struct Input<'s> {
    request: InFlight<'s>,
    fault: Fault,
    message: Incoming,
}

impl<'s> Realtime<'s> {
    fn arrive(&self, mut message: Incoming) -> Input<'s> {
        let mut decoded = match (self.codec, message.is_text) {
            (Codec::Json, _) => serde_json::from_slice(&message.bytes).map(|json| (json, weight(&message.bytes))),
            (Codec::MessagePack, false) => codec::decode(&message.bytes),
            (Codec::MessagePack, true) => Err(Error::custom("a text frame, where the app reads binary ones")),
        };
        if let Ok((_, weight)) = &decoded
            && message.count(*weight).is_err()
        {
            decoded = Err(Error::custom("the emulator's limit of requests in flight is reached"));
        }
        let request = self.state.journal.begin(Operation::RealtimeInput, |in_flight| {
            let received = Received::message(self.handshake, Operation::RealtimeInput, in_flight);
            received.set_message(message.bytes.clone(), decoded);
            received
        });
        let fault = self.state.faults.take(&ReceivedRequest(Arc::clone(&request.received)));
        Input { request, fault, message }
    }

    async fn handle(&self, input: Input<'s>, frames: Sender<Frame>) -> Result<(), Cut> {
        let Input { request, fault, message } = input;
        let received = &request.received;
        let mut responder = Responder::new(frames, fault.message_limit());
        if let Some(bytes) = fault.byte_limit() {
            self.break_point.set(bytes);
        }
        if let Some((_, cut)) = fault.request_cut() {
            return Err(cut);
        }
        fault.wait(&self.state.clock).await;
        let instead = fault.instead();
        let result = match &instead {
            Some(_) if !fault.is_after_effect() => Ok(()),
            _ => self.run(received, &fault, message.is_text, &mut responder, instead.is_none()).await?,
        };
        let result = match instead {
            None => result,
            Some(Instead::Drop) => {
                self.decided(received, None);
                return Err(Cut::Drop);
            }
            Some(Instead::Error(reason)) => Err(reason),
            Some(Instead::Output(output)) => {
                self.decided(received, Some(200));
                match self.frame(&output, message.is_text) {
                    Ok(frame) => return responder.send(frame).await,
                    Err(reason) => Err(reason),
                }
            }
            Some(Instead::Frames(frames)) => {
                self.decided(received, Some(200));
                return responder.send_all(frames).await;
            }
        };
        match result {
            Ok(()) => Ok(()),
            // An app ends the session at its first error.
            Err(reason) => {
                self.decided(received, Some(500));
                responder.send(Frame::error("INTERNAL_ERROR", &reason)).await?;
                responder.send(Frame::close(NORMAL, "")).await
            }
        }
    }

    /// Runs the endpoint with an input, and sends the outputs if `sends`. The inner error is the reason why it fails.
    async fn run(
        &self,
        received: &Arc<Received>,
        fault: &Fault,
        is_text: bool,
        responder: &mut Responder,
        sends: bool,
    ) -> Result<Result<(), String>, Cut> {
        let state = self.state;
        if let Err(Some(error)) = received.input() {
            return Ok(Err(format!("cannot decode the message: {error}")));
        }
        let start = state.clock.now();
        let route = Route::Realtime { id: String::new() };
        let call = Call { route: &route, received, fault };
        let job = match jobs::accept(state, call, self.endpoint, true) {
            Ok(job) => job,
            Err(refusal) => return Ok(Err(refusal.reason())),
        };
        let series = match jobs::results(state, &job).await {
            Ok(series) => series,
            Err(failure) => return Ok(Err(failure.reason())),
        };
        if !sends {
            return Ok(Ok(()));
        }
        for index in 0..series.len() {
            state.clock.sleep_until(start + series.due(index, job.run_time())).await;
            if index == 0 {
                self.decided(received, Some(200));
            }
            match self.frame(&series.get(index), is_text) {
                Ok(frame) => responder.send(frame).await?,
                Err(reason) => return Ok(Err(reason)),
            }
        }
        let seconds = (state.clock.now() - start).as_secs_f64();
        let timings = json!({ "type": "x-fal-message", "action": "timings", "timing": seconds });
        responder.send(Frame::json(&timings)).await?;
        Ok(Ok(()))
    }

    fn frame(&self, output: &Value, is_text: bool) -> Result<Frame, String> {
        match self.codec {
            Codec::MessagePack => codec::encode(output).map(Frame::binary),
            Codec::Json if is_text => Ok(Frame::json(output)),
            Codec::Json => Ok(Frame::binary(output.to_string())),
        }
    }

    /// Reports that the response to an input is decided.
    fn decided(&self, received: &Arc<Received>, status: Option<u16>) {
        if let Some(status) = status {
            received.set_status(status);
        }
        if let Some(on_request) = &self.state.settings.on_request {
            on_request(&ReceivedRequest(Arc::clone(received)));
        }
    }
}
