//! Realtime connections: each message is an input, and gets its output.

use std::sync::Arc;
use std::time::Duration;

use serde::de::Error as _;
use serde_json::{Error, Value, json};
use tokio::sync::mpsc::Sender;

use crate::endpoints::endpoint::Endpoint;
use crate::faults::break_point::BreakPoint;
use crate::faults::fault::{Cut, Fault, Instead};
use crate::faults::frame::Frame;
use crate::handlers::{auth, jobs, websocket};
use crate::input::upload_policy;
use crate::output::series::Series;
use crate::request::journal::InFlight;
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::request::received_request::ReceivedRequest;
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

/// The reason why an input has no more outputs, and the session ends.
enum Stop {
    Cut(Cut),
    /// An error of the app, with its reason.
    Error(String),
}

impl From<Cut> for Stop {
    fn from(cut: Cut) -> Self {
        Stop::Cut(cut)
    }
}

impl<'s> Realtime<'s> {
    fn arrive(&self, mut message: Incoming) -> Input<'s> {
        let decoded = match (self.codec, message.is_text) {
            (Codec::Json, _) => message.decode(codec::decode_json),
            (Codec::MessagePack, false) => message.decode(codec::decode),
            (Codec::MessagePack, true) => Err(Error::custom("a text frame, where the app reads binary ones")),
        };
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
        if let Some(bytes) = fault.byte_limit() {
            self.break_point.set(bytes);
        }
        let mut responder = Responder::new(frames, fault.message_limit());
        match self.respond(received, &fault, message.is_text, &mut responder).await {
            Ok(()) => Ok(()),
            Err(Stop::Cut(cut)) => Err(cut),
            // An app ends the session at its first error.
            Err(Stop::Error(reason)) => {
                self.decided(received, Some(500));
                responder.send(Frame::error("INTERNAL_ERROR", &reason)).await?;
                responder.send(Frame::close(NORMAL, "")).await
            }
        }
    }

    /// Responds to an input with its outputs, or as its fault says.
    async fn respond(
        &self,
        received: &Arc<Received>,
        fault: &Fault,
        is_text: bool,
        responder: &mut Responder,
    ) -> Result<(), Stop> {
        if let Some((_, cut)) = fault.request_cut() {
            return Err(cut.into());
        }
        fault.wait(&self.state.clock).await;
        let Some(instead) = fault.instead() else {
            return self.run(received, fault, is_text, responder).await;
        };
        if fault.is_after_effect() {
            self.accept(received, fault).await?;
        }
        match instead {
            Instead::Frames(frames) => {
                self.decided(received, Some(200));
                Ok(responder.send_all(frames).await?)
            }
            Instead::Output(output) => {
                self.decided(received, Some(200));
                Ok(responder.send(self.frame(&output, is_text)?).await?)
            }
            Instead::Error(reason) => Err(Stop::Error(reason)),
            Instead::Drop => {
                self.decided(received, None);
                Err(Cut::Drop.into())
            }
        }
    }

    /// Runs the endpoint, and sends its outputs and the time that it took.
    async fn run(
        &self,
        received: &Arc<Received>,
        fault: &Fault,
        is_text: bool,
        responder: &mut Responder,
    ) -> Result<(), Stop> {
        let clock = &self.state.clock;
        let start = clock.now();
        let (series, run_time) = self.accept(received, fault).await?;
        for index in 0..series.len() {
            clock.sleep_since(start, series.due(index, run_time)).await;
            if index == 0 {
                self.decided(received, Some(200));
            }
            responder.send(self.frame(&series.get(index), is_text)?).await?;
        }
        let seconds = (clock.now() - start).as_secs_f64();
        let timings = json!({ "type": "x-fal-message", "action": "timings", "timing": seconds });
        Ok(responder.send(Frame::json(&timings)).await?)
    }

    /// Turns an input into a job, and returns its outputs with the time that it runs.
    async fn accept(&self, received: &Arc<Received>, fault: &Fault) -> Result<(Series, Duration), Stop> {
        if let Err(Some(error)) = received.input() {
            return Err(Stop::Error(format!("cannot decode the message: {error}")));
        }
        let job = jobs::accept(self.state, received, fault, self.endpoint, true);
        let job = job.map_err(|refusal| Stop::Error(refusal.reason()))?;
        let series = jobs::results(self.state, &job).await;
        job.released().await;
        self.state.sink.flushed().await.map_err(Stop::Error)?;
        Ok((series.map_err(|failure| Stop::Error(failure.reason()))?, job.run_time()))
    }

    fn frame(&self, output: &Value, is_text: bool) -> Result<Frame, Stop> {
        match self.codec {
            Codec::MessagePack => codec::encode(output).map(Frame::binary).map_err(Stop::Error),
            Codec::Json if is_text => Ok(Frame::json(output)),
            Codec::Json => Ok(Frame::binary(output.to_string())),
        }
    }

    /// Reports that the response to an input is decided.
    fn decided(&self, received: &Arc<Received>, status: Option<u16>) {
        if let Some(status) = status {
            received.set_status(status);
        }
        self.state.journal.decided();
        if let Some(on_request) = &self.state.settings.on_request {
            on_request(&ReceivedRequest(Arc::clone(received)));
        }
    }
}
