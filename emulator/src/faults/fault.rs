use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fal_client::IntoEndpoint;
use hyper::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::faults::break_point::BreakPoint;
use crate::faults::disturb;
use crate::faults::frame::Frame;
use crate::faults::response::{self, FaultResponse};
use crate::request::operation::Operation;
use crate::request::received_request::ReceivedRequest;
use crate::response::failure::{self, Failure};
use crate::response::reply::{Dropped, Reply};
use crate::time::clock::Clock;
use crate::time::whole_seconds;

/// A fault that happens to one request.
///
/// [`Emulator::inject_fault`](crate::Emulator::inject_fault) queues a fault for an
/// [`Operation`](crate::Operation). Each request of that operation takes the next fault in the queue: the third status
/// request gets the third fault of [`Operation::Status`](crate::Operation::Status). Requests without a fault get the
/// normal response.
///
/// ```
/// # use std::time::Duration;
/// # use fal_emulator::{Emulator, Fault, Operation};
/// # fn example(emulator: &Emulator) {
/// // The first submission is rejected. The second is accepted, but its response is lost.
/// emulator.inject_fault(Operation::Submit, Fault::respond(429).retry_after(Duration::from_secs(1)));
/// emulator.inject_fault(Operation::Submit, Fault::drop_connection().after_effect());
/// // The status stream breaks off after two events.
/// emulator.inject_fault(Operation::StatusStream, Fault::drop_response_after(2));
/// // The first result request gets the normal response, the second a late one from a proxy.
/// emulator.inject_fault(Operation::Result, Fault::none());
/// emulator.inject_fault(Operation::Result, Fault::nginx(502).delay(Duration::from_millis(20)));
/// // The next request to this endpoint is accepted and fails while it runs.
/// emulator.inject_fault(Operation::Submit, Fault::outcome(500).on("fal-ai/flux/dev/redux"));
/// # }
/// ```
///
/// # Which requests
///
/// By default, a fault happens to the next request of its operation. [`on`](Self::on) and [`when`](Self::when) restrict the
/// requests that it matches. [`nth`](Self::nth), [`times`](Self::times), [`repeat`](Self::repeat) and
/// [`probability`](Self::probability) select some of them.
///
/// A fault counts every request that it matches since it was injected, also those to which another fault happens. At most one
/// fault happens to a request: the one that was injected first. A later fault that was due happens to the next request that it
/// matches.
///
/// # Where a connection can break
///
/// | the connection is closed | |
/// | --- | --- |
/// | before anything is read | [`Emulator::drop_connections`](crate::Emulator::drop_connections) |
/// | while the request is sent | [`drop_request_after`](Self::drop_request_after) |
/// | after the request, without effect | [`drop_connection`](Self::drop_connection) |
/// | after the request took effect, before the response | `drop_connection` with [`after_effect`](Self::after_effect) |
/// | in the status line of the response | [`drop_response_in_head`](Self::drop_response_in_head) |
/// | in the response body, or between messages of a WebSocket | [`drop_response_after`](Self::drop_response_after), [`drop_response_after_bytes`](Self::drop_response_after_bytes) |
/// | with a close frame | [`close`](Self::close) |
///
/// | the connection stays open | |
/// | --- | --- |
/// | the emulator stops reading the request | [`stall_request_after`](Self::stall_request_after) |
/// | the response is late or never comes | [`delay`](Self::delay) |
/// | the response stops in its body | [`stall_response_after`](Self::stall_response_after) |
#[derive(Clone)]
#[must_use = "a fault happens once it is injected with `Emulator::inject_fault`"]
pub struct Fault {
    kind: Kind,
    delay: Duration,
    after_effect: bool,
    headers: Vec<(String, String)>,
    /// The time until the date in `Retry-After`.
    retry_at: Option<Duration>,
    condition: Option<Condition>,
    /// The endpoint that it is restricted to.
    endpoint: Option<String>,
    /// The number of the first matching request that the fault may happen to.
    first: u64,
    /// The most requests that the fault happens to, if set.
    times: Option<u64>,
    /// The share of the matching requests that the fault happens to.
    probability: Option<f64>,
    /// The billable units of the job.
    units: Option<Decimal>,
}

/// The end of a connection that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The connection is closed.
    Drop,
    /// The connection stays open, and silent.
    Stall,
}

/// The number of messages after which a WebSocket is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageLimit {
    left: usize,
    cut: Cut,
}

impl MessageLimit {
    pub(crate) fn check(&self) -> Result<(), Cut> {
        if self.left == 0 { Err(self.cut) } else { Ok(()) }
    }

    /// Counts a message that was sent.
    pub(crate) fn count(&mut self) -> Result<(), Cut> {
        self.left = self.left.saturating_sub(1);
        self.check()
    }
}

/// The response to a message on a realtime connection that comes instead of its output.
#[derive(Clone, Debug)]
pub(crate) enum Instead<'a> {
    Frames(&'a [Frame]),
    /// An output.
    Output(Value),
    /// An error of the app, with its reason.
    Error(String),
    Drop,
}

type Condition = Arc<dyn Fn(&ReceivedRequest) -> bool + Send + Sync>;

#[derive(Clone, Debug)]
enum Kind {
    None,
    Respond(FaultResponse),
    Outcome(FaultResponse),
    Frames(Vec<Frame>),
    DropConnection,
    DropRequest { after: usize },
    StallRequest { after: usize },
    DropResponseInHead,
    DropResponse { after: usize },
    DropResponseBytes { after: usize },
    StallResponse { after: usize },
    Throttle { bytes: usize, interval: Duration },
    IgnoreRange,
}

/// The bytes that are sent of a response that breaks in its head: a part of the status line.
const HEAD_BYTES: usize = 12;

impl Fault {
    fn new(kind: Kind) -> Self {
        Fault {
            kind,
            delay: Duration::ZERO,
            after_effect: false,
            headers: Vec::new(),
            retry_at: None,
            condition: None,
            endpoint: None,
            first: 1,
            times: None,
            probability: None,
            units: None,
        }
    }

    /// Lets the request through. Use it to skip a request, or to add a [`delay`](Self::delay) or a
    /// [`header`](Self::header) to the normal response.
    pub fn none() -> Self {
        Fault::new(Kind::None)
    }

    /// Responds with this HTTP status (200 to 599) and `{"detail": "…"}` with the status's reason phrase. The platform API,
    /// `api.fal.ai`, has an error format of its own: `{"error": {"type": "rate_limited", …}}` for the status 429.
    ///
    /// An input of a realtime connection has no status: below 300, the [`json`](Self::json) body is its output, and otherwise the
    /// reason of an error.
    pub fn respond(status: u16) -> Self {
        Fault::new(Kind::Respond(FaultResponse::of_status(status)))
    }

    /// Responds as the proxy in front of fal does, with a status such as 502, 503 or 504: an HTML page that says
    /// `nginx`, without a request id. The request has no effect, unless [`after_effect`](Self::after_effect) is set.
    pub fn nginx(status: u16) -> Self {
        let title = format!("{status} {}", response::reason(status));
        let page = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Fault::new(Kind::Respond(FaultResponse::new(status, "text/html", vec![page.into()])))
    }

    /// Responds with one of the platform's error types, such as `runner_disconnected` or `concurrent_requests_limit`.
    ///
    /// The status is the one that fal uses for the type, 500 for an unknown type. The body and the header
    /// `X-Fal-Error-Type` name the type, and `X-Fal-Needs-Retry: 1` is set where fal recommends a retry.
    pub fn request_error(error_type: impl Into<String>) -> Self {
        let error_type = error_type.into();
        let (status, needs_retry) = response::request_error(&error_type);
        let words = error_type.replace('_', " ");
        let body = json!({ "detail": format!("Request failed: {words}"), "error_type": error_type });
        let fault = Fault::respond(status).json(&body).header("x-fal-error-type", error_type);
        if needs_retry { fault.header("x-fal-needs-retry", "1") } else { fault }
    }

    /// Accepts the request, and makes its job end with this status. The result request, or the direct run, gets the
    /// response.
    ///
    /// With status 200 and a [`json`](Self::json) body, that body is the output of one job, even if it breaks the document.
    /// [`Emulator::answer`](crate::Emulator::answer) sets the output of all jobs of an endpoint.
    ///
    /// Applies to [`Operation::Submit`](crate::Operation::Submit), [`Operation::Run`](crate::Operation::Run),
    /// [`Operation::Stream`](crate::Operation::Stream), [`Operation::WebSocketRun`](crate::Operation::WebSocketRun) and
    /// [`Operation::RealtimeInput`](crate::Operation::RealtimeInput), where an error is one of the app. Other operations ignore
    /// it.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator) {
    /// let refusal = serde_json::json!({ "detail": [{
    ///     "loc": ["body", "prompt"],
    ///     "msg": "The content could not be processed",
    ///     "type": "content_policy_violation",
    /// }] });
    /// emulator.inject_fault(Operation::Submit, Fault::outcome(422).json(&refusal));
    /// # }
    /// ```
    pub fn outcome(status: u16) -> Self {
        Fault::new(Kind::Outcome(FaultResponse::of_status(status)))
    }

    /// Sends these frames on a WebSocket: after the handshake of [`Operation::Realtime`](crate::Operation::Realtime) and
    /// [`Operation::WebSocket`](crate::Operation::WebSocket), or instead of the response to a message
    /// ([`Operation::RealtimeInput`](crate::Operation::RealtimeInput),
    /// [`Operation::WebSocketRun`](crate::Operation::WebSocketRun)). The connection continues, unless the last frame is a
    /// close frame. Other operations ignore it.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Frame, Operation};
    /// # fn example(emulator: &Emulator) {
    /// emulator.inject_fault(Operation::RealtimeInput, Fault::frames([Frame::unauthorized()]));
    /// // An unexpected message that no input caused:
    /// emulator.inject_fault(Operation::Realtime, Fault::frames([Frame::text("[]")]));
    /// # }
    /// ```
    pub fn frames(frames: impl IntoIterator<Item = Frame>) -> Self {
        Fault::new(Kind::Frames(frames.into_iter().collect()))
    }

    /// Closes a WebSocket with a code and a reason, see [`frames`](Self::frames) and [`Frame::close`].
    pub fn close(code: u16, reason: &str) -> Self {
        Fault::frames([Frame::close(code, reason)])
    }

    /// Closes the connection without a response, once the request was read.
    pub fn drop_connection() -> Self {
        Fault::new(Kind::DropConnection)
    }

    /// Closes the connection once `bytes` bytes of the request body were read, or all of a shorter body. The request
    /// has no effect.
    pub fn drop_request_after(bytes: usize) -> Self {
        Fault::new(Kind::DropRequest { after: bytes })
    }

    /// Stops reading after `bytes` bytes of the request body, and never responds. The connection stays open. The
    /// request has no effect.
    pub fn stall_request_after(bytes: usize) -> Self {
        Fault::new(Kind::StallRequest { after: bytes })
    }

    /// Closes the connection in the status line of the response. The request takes effect.
    pub fn drop_response_in_head() -> Self {
        Fault::new(Kind::DropResponseInHead)
    }

    /// Closes the connection in the response body: after `count` events of a stream, messages of a WebSocket, or bytes of
    /// any other body. The request takes effect.
    ///
    /// On a WebSocket, a fault of the handshake counts all messages that the emulator sends. A fault of a message counts
    /// those that respond to it.
    pub fn drop_response_after(count: usize) -> Self {
        Fault::new(Kind::DropResponse { after: count })
    }

    /// Closes the connection after `bytes` bytes of the response body, even in the middle of an event. The request
    /// takes effect.
    pub fn drop_response_after_bytes(bytes: usize) -> Self {
        Fault::new(Kind::DropResponseBytes { after: bytes })
    }

    /// Stops sending in the response body: after `count` events of a stream, messages of a WebSocket, or bytes of any other
    /// body. The connection stays open, without keep-alive comments or pongs. The request takes effect.
    pub fn stall_response_after(count: usize) -> Self {
        Fault::new(Kind::StallResponse { after: count })
    }

    /// Sends the response body in pieces of `bytes` bytes (at least 1), each after `interval`. Realtime connections ignore it.
    pub fn throttle(bytes: usize, interval: Duration) -> Self {
        Fault::new(Kind::Throttle { bytes: bytes.max(1), interval })
    }

    /// Sends the whole file although the request has a `Range` header, as a host without range support does.
    pub fn ignore_range() -> Self {
        Fault::new(Kind::IgnoreRange)
    }

    /// Sets a JSON body for [`respond`](Self::respond) or [`outcome`](Self::outcome). Other faults have no body.
    pub fn json(self, value: &Value) -> Self {
        self.with_body("application/json", vec![value.to_string().into()])
    }

    /// Sets an HTML body for [`respond`](Self::respond) or [`outcome`](Self::outcome). Other faults have no body.
    pub fn html(self, text: impl Into<String>) -> Self {
        self.with_body("text/html", vec![text.into().into()])
    }

    /// Sets a body of any content type for [`respond`](Self::respond) or [`outcome`](Self::outcome). Other faults have no
    /// body.
    pub fn body(self, content_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.with_body(content_type.into(), vec![bytes.into().into()])
    }

    /// Sets a body of server-sent events for [`respond`](Self::respond), as it is sent. Other faults have no such body.
    ///
    /// Each chunk is sent separately. It can end anywhere, even in the middle of a character.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator) {
    /// let events = ["data: {\"output\": \"A la", "mp\"}\r\n\r\n", ": comment\n\n", "data: [DONE]\n\n"];
    /// emulator.inject_fault(Operation::Stream, Fault::respond(200).events(events));
    /// # }
    /// ```
    ///
    /// [`Emulator::script_stream`](crate::Emulator::script_stream) sets well-formed events.
    pub fn events<C: Into<Vec<u8>>>(self, chunks: impl IntoIterator<Item = C>) -> Self {
        self.with_body("text/event-stream", chunks.into_iter().map(|chunk| chunk.into().into()).collect())
    }

    fn with_body(mut self, content_type: impl Into<Cow<'static, str>>, chunks: Vec<Bytes>) -> Self {
        if let Kind::Respond(response) | Kind::Outcome(response) = &mut self.kind {
            *response = FaultResponse::new(response.status, content_type, chunks);
        }
        self
    }

    /// Sets a header of the fault's own response, or else of the normal one. Replaces a header of the same name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets `Retry-After` to a number of seconds. Fractions are rounded up.
    pub fn retry_after(self, time: Duration) -> Self {
        self.header("retry-after", whole_seconds(time).to_string())
    }

    /// Sets `Retry-After` to a date, counted from the time of the response.
    pub fn retry_after_date(mut self, time: Duration) -> Self {
        self.retry_at = Some(time);
        self
    }

    /// Sets the billable units of the job that an accepted request becomes, even if it fails. Other requests ignore it.
    ///
    /// ```
    /// # use fal_emulator::{Decimal, Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator) {
    /// emulator.inject_fault(Operation::Submit, Fault::none().billable_units(Decimal::new(45, 1))); // 4.5 units
    /// emulator.inject_fault(Operation::Run, Fault::outcome(422).billable_units(Decimal::ONE)); // a refusal that is billed
    /// # }
    /// ```
    ///
    /// [`Emulator::set_billable_units`](crate::Emulator::set_billable_units) sets the units of all jobs of an endpoint.
    pub fn billable_units(mut self, units: Decimal) -> Self {
        self.units = Some(units);
        self
    }

    /// Waits before anything else happens. Default: no delay.
    ///
    /// The delay passes on the emulator's clock, so [`Emulator::advance_time`](crate::Emulator::advance_time) ends it.
    /// A test can hold a request as long as it needs to.
    pub fn delay(mut self, time: Duration) -> Self {
        self.delay = time;
        self
    }

    /// Lets the request take effect before the fault replaces its response.
    ///
    /// Without it, [`respond`](Self::respond) and [`drop_connection`](Self::drop_connection) come instead of the
    /// effect: nothing is run, queued or cancelled.
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    /// Restricts the fault to an endpoint: runs and submissions to it, and status, result and cancel requests about its
    /// jobs.
    pub fn on(self, endpoint: impl IntoEndpoint) -> Self {
        let endpoint = endpoint.into_id().into_owned();
        let shown = Some(endpoint.clone());
        Fault { endpoint: shown, ..self.when(move |request| request.endpoint() == Some(&endpoint)) }
    }

    /// Restricts the fault to requests for which `condition` returns true.
    ///
    /// The condition runs before the body is read, and must not call the emulator. Several conditions must all hold.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator, request_id: String) {
    /// let fault = Fault::respond(500).when(move |request| request.request_id() == Some(&request_id));
    /// emulator.inject_fault(Operation::Status, fault);
    /// # }
    /// ```
    pub fn when(mut self, condition: impl Fn(&ReceivedRequest) -> bool + Send + Sync + 'static) -> Self {
        let before = self.condition.take();
        self.condition =
            Some(Arc::new(move |request| before.as_ref().is_none_or(|before| before(request)) && condition(request)));
        self
    }

    /// Lets the first `number - 1` matching requests through, and happens to the one after them: `nth(3)` fails the third attempt.
    /// Default: 1.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator) {
    /// emulator.inject_fault(Operation::Submit, Fault::respond(503).on("fal-ai/flux/dev/redux").nth(3));
    /// // The third request fails, and all after it.
    /// emulator.inject_fault(Operation::Status, Fault::respond(503).nth(3).repeat());
    /// # }
    /// ```
    pub fn nth(mut self, number: u64) -> Self {
        self.first = number;
        self
    }

    /// Happens to this number of matching requests. Default: 1, or all with a [`probability`](Self::probability).
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator) {
    /// emulator.inject_fault(Operation::Result, Fault::respond(502).times(3));
    /// # }
    /// ```
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    /// Repeats the fault for every matching request, until [`Emulator::clear_faults`](crate::Emulator::clear_faults).
    /// Faults of the same operation that are injected later only happen to requests that it does not match.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator) {
    /// emulator.inject_fault(Operation::Submit, Fault::outcome(500).on("fal-ai/flux/dev/redux").repeat());
    /// # }
    /// ```
    pub fn repeat(self) -> Self {
        self.times(u64::MAX)
    }

    /// Happens to a share of the matching requests, from 0 (none) to 1 (all), until
    /// [`Emulator::clear_faults`](crate::Emulator::clear_faults). [`times`](Self::times) limits their number.
    ///
    /// The requests are selected by chance, which depends on the emulator's seed, on the number of faults that were injected
    /// before, and on the number of requests that the fault matched. So the same faults and the same sequence of requests have
    /// the same failures.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator) {
    /// emulator.inject_fault(Operation::Status, Fault::respond(503).probability(0.1));
    /// # }
    /// ```
    pub fn probability(mut self, share: f64) -> Self {
        self.probability = Some(share);
        self
    }

    pub(crate) fn units(&self) -> Option<Decimal> {
        self.units
    }

    /// Returns the fault with the error format of an operation, unless it has a body of its own.
    pub(super) fn of(mut self, operation: Operation) -> Self {
        if let Kind::Respond(response) = &mut self.kind
            && operation.is_of_platform_api()
        {
            response.set_platform_error();
        }
        self
    }

    /// Returns the number of the first matching request that the fault may happen to.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the most requests that the fault happens to.
    pub(super) fn most(&self) -> u64 {
        self.times.unwrap_or(if self.probability.is_some() { u64::MAX } else { 1 })
    }

    /// Returns the endpoint that the fault is restricted to.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Returns the time that the fault waits before anything else.
    pub(crate) fn waits(&self) -> Duration {
        self.delay
    }

    pub(crate) fn share(&self) -> Option<f64> {
        self.probability
    }

    /// Returns whether the requests that the fault happens to depend on the number of those before.
    pub(super) fn counts(&self) -> bool {
        self.first > 1 || self.probability.is_some()
    }

    /// Returns whether the fault has to happen before a test ends.
    pub(super) fn is_expected(&self) -> bool {
        self.most() != u64::MAX && self.probability.is_none()
    }

    pub(super) fn matches(&self, request: &ReceivedRequest) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition(request))
    }

    /// Returns the bytes of the body after which the request is cut, and the kind of cut.
    pub(crate) fn request_cut(&self) -> Option<(usize, Cut)> {
        match self.kind {
            Kind::DropRequest { after } => Some((after, Cut::Drop)),
            Kind::StallRequest { after } => Some((after, Cut::Stall)),
            _ => None,
        }
    }

    /// Returns the number of messages of a WebSocket after which it is cut.
    pub(crate) fn message_limit(&self) -> Option<MessageLimit> {
        match self.kind {
            Kind::DropResponse { after } => Some(MessageLimit { left: after, cut: Cut::Drop }),
            Kind::StallResponse { after } => Some(MessageLimit { left: after, cut: Cut::Stall }),
            _ => None,
        }
    }

    /// Returns the number of bytes on a WebSocket after which the connection is closed.
    pub(crate) fn byte_limit(&self) -> Option<usize> {
        match self.kind {
            Kind::DropResponseBytes { after } => Some(after),
            // A part of the head of a frame.
            Kind::DropResponseInHead => Some(1),
            _ => None,
        }
    }

    /// Returns the frames that a WebSocket begins with.
    pub(crate) fn own_frames(&self) -> Option<&[Frame]> {
        match &self.kind {
            Kind::Frames(frames) => Some(frames),
            _ => None,
        }
    }

    /// Returns what comes instead of the output of a message.
    pub(crate) fn instead(&self) -> Option<Instead<'_>> {
        match &self.kind {
            Kind::Frames(frames) => Some(Instead::Frames(frames)),
            Kind::DropConnection => Some(Instead::Drop),
            Kind::Respond(response) => Some(match serde_json::from_slice(&response.body()) {
                Ok(output) if (200..300).contains(&response.status) => Instead::Output(output),
                _ => Instead::Error(failure::reason(&response.body())),
            }),
            _ => None,
        }
    }

    pub(crate) fn is_after_effect(&self) -> bool {
        self.after_effect
    }

    pub(crate) fn ignores_range(&self) -> bool {
        matches!(self.kind, Kind::IgnoreRange)
    }

    pub(crate) async fn wait(&self, clock: &Clock) {
        clock.sleep(self.delay).await;
    }

    /// Returns the response that comes instead of the request's effect.
    pub(crate) fn replacement(&self, clock: &Clock) -> Option<Result<Reply, Dropped>> {
        if self.after_effect { None } else { self.own_reply(clock) }
    }

    /// Returns the failure of the job that an accepted request becomes.
    pub(crate) fn job_failure(&self, clock: &Clock) -> Option<Failure> {
        match &self.kind {
            Kind::Outcome(response) => Some(match response.head(&self.headers(clock)) {
                Ok(head) => Failure::injected(head, response.body()),
                Err(reason) => Failure::internal(response::invalid(&reason)),
            }),
            _ => None,
        }
    }

    /// Applies the fault to the normal response.
    pub(crate) fn apply(&self, normal: Reply, clock: &Arc<Clock>, break_point: &BreakPoint) -> Result<Reply, Dropped> {
        // A connection that switches to WebSocket is cut later.
        let is_websocket = normal.status() == StatusCode::SWITCHING_PROTOCOLS;
        let reply = match &self.kind {
            Kind::Outcome(_) => return Ok(normal),
            Kind::Respond(_) | Kind::DropConnection => return self.own_reply(clock).unwrap_or(Ok(normal)),
            // A cut request never gets here, and a range is ignored when the file is read.
            Kind::None | Kind::Frames(_) | Kind::IgnoreRange | Kind::DropRequest { .. } | Kind::StallRequest { .. } => {
                normal
            }
            Kind::DropResponseInHead => {
                break_point.set(HEAD_BYTES);
                normal
            }
            _ if is_websocket => normal,
            Kind::DropResponse { after } => disturb::drop_after(normal, *after),
            Kind::DropResponseBytes { after } => disturb::drop_after_bytes(normal, *after),
            Kind::StallResponse { after } => disturb::stall_after(normal, *after),
            Kind::Throttle { bytes, interval } => disturb::throttle(normal, *bytes, *interval, Arc::clone(clock)),
        };
        Ok(response::with_headers(reply, &self.headers(clock)))
    }

    fn own_reply(&self, clock: &Clock) -> Option<Result<Reply, Dropped>> {
        match &self.kind {
            Kind::DropConnection => Some(Err(Dropped)),
            Kind::Respond(response) => Some(Ok(response.reply(&self.headers(clock)))),
            _ => None,
        }
    }

    fn headers(&self, clock: &Clock) -> Vec<(String, String)> {
        let date = self.retry_at.and_then(|time| clock.date().checked_add(time));
        let retry_at = date.map(|date| ("retry-after".to_owned(), httpdate::fmt_http_date(date)));
        self.headers.iter().cloned().chain(retry_at).collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::None => f.write_str("none"),
            Kind::Respond(response) => write!(f, "respond({})", response.status),
            Kind::Outcome(response) => write!(f, "outcome({})", response.status),
            Kind::Frames(frames) => write!(f, "frames, {} of them", frames.len()),
            Kind::DropConnection => f.write_str("drop_connection"),
            Kind::DropRequest { after } => write!(f, "drop_request_after({after})"),
            Kind::StallRequest { after } => write!(f, "stall_request_after({after})"),
            Kind::DropResponseInHead => f.write_str("drop_response_in_head"),
            Kind::DropResponse { after } => write!(f, "drop_response_after({after})"),
            Kind::DropResponseBytes { after } => write!(f, "drop_response_after_bytes({after})"),
            Kind::StallResponse { after } => write!(f, "stall_response_after({after})"),
            Kind::Throttle { bytes, interval } => write!(f, "throttle({bytes}, {interval:?})"),
            Kind::IgnoreRange => f.write_str("ignore_range"),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("kind", &self.kind)
            .field("delay", &self.delay)
            .field("after_effect", &self.after_effect)
            .field("headers", &self.headers)
            .field("retry_at", &self.retry_at)
            .field("is_conditional", &self.condition.is_some())
            .field("first", &self.first)
            .field("times", &self.most())
            .field("probability", &self.probability)
            .field("units", &self.units)
            .finish()
    }
}
