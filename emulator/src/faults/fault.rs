//! What goes wrong, ordered request by request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::faults::break_point::BreakPoint;
use crate::faults::disturb;
use crate::faults::response::{self, FaultResponse};
use crate::request::received_request::ReceivedRequest;
use crate::response::failure::Failure;
use crate::response::reply::{Dropped, Reply};
use crate::time::clock::Clock;

/// Something that goes wrong with one request.
///
/// PendingFaults are ordered for an [`Operation`](crate::Operation) with [`Emulator::fault`](crate::Emulator::fault), and each
/// request of that operation takes the next one, so the third status call gets the third fault that was ordered for
/// [`Operation::Status`](crate::Operation::Status). Requests beyond them are answered as usual.
///
/// ```
/// # use std::time::Duration;
/// # use fal_emulator::{Emulator, Fault, Operation};
/// # fn example(emulator: &Emulator) {
/// // The first submit is refused, the second is taken but the answer to it is lost.
/// emulator.fault(Operation::Submit, Fault::answer(429).retry_after(Duration::from_secs(1)));
/// emulator.fault(Operation::Submit, Fault::drop_connection().after_effect());
/// // The status stream breaks off after two events.
/// emulator.fault(Operation::StatusStream, Fault::tear_after(2));
/// // The first result call is answered as usual, the second by a proxy on the way, late.
/// emulator.fault(Operation::Result, Fault::none());
/// emulator.fault(Operation::Result, Fault::nginx(502).delay(Duration::from_millis(20)));
/// // The next request for this endpoint is taken, and fails while it runs.
/// emulator.fault(Operation::Submit, Fault::outcome(500).on("fal-ai/flux/dev/redux"));
/// # }
/// ```
///
/// # Where a connection can break
///
/// | | |
/// | --- | --- |
/// | before anything is read | [`Emulator::drop_connections`](crate::Emulator::drop_connections) |
/// | while the request is sent | [`drop_request_after`](Self::drop_request_after) |
/// | after the request, without effect | [`drop_connection`](Self::drop_connection) |
/// | after it took effect, before the answer | `drop_connection` [`after_effect`](Self::after_effect) |
/// | in the head of the answer | [`tear_head`](Self::tear_head) |
/// | in the body of the answer | [`tear_after`](Self::tear_after), [`tear_after_bytes`](Self::tear_after_bytes) |
/// | not at all, but the request goes on no more | [`stall_request_after`](Self::stall_request_after) |
/// | not at all, but no answer comes | [`delay`](Self::delay) |
/// | not at all, but the answer goes on no more | [`silence_after`](Self::silence_after) |
#[derive(Clone)]
#[must_use = "a fault happens once it is ordered with `Emulator::fault`"]
pub struct Fault {
    kind: Kind,
    delay: Duration,
    after_effect: bool,
    headers: Vec<(String, String)>,
    /// How far in the future the date in `Retry-After` is.
    retry_at: Option<Duration>,
    only_for: Option<Condition>,
}

/// How a request ends that is not read to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Drop,
    Stall,
}

type Condition = Arc<dyn Fn(&ReceivedRequest) -> bool + Send + Sync>;

#[derive(Clone, Debug)]
enum Kind {
    Nothing,
    Respond(FaultResponse),
    Outcome(FaultResponse),
    Drop,
    DropRequest { after: usize },
    StallRequest { after: usize },
    TearHead,
    Tear { after: usize },
    TearBytes { after: usize },
    Drip { bytes: usize, pause: Duration },
    Silence { after: usize },
    WithoutRanges,
}

/// How much of the head of an answer is sent before it is torn: within the status line.
const HEAD_BYTES: usize = 12;

impl Fault {
    fn new(kind: Kind) -> Self {
        Fault { kind, delay: Duration::ZERO, after_effect: false, headers: Vec::new(), retry_at: None, only_for: None }
    }

    /// Nothing goes wrong: the request is let through. With [`delay`](Self::delay), it is answered late; with
    /// [`header`](Self::header), the usual answer has a header more.
    pub fn none() -> Self {
        Fault::new(Kind::Nothing)
    }

    /// Another answer than usual, with this HTTP status (200 to 599) and `{"detail": "the status in words"}`.
    pub fn answer(status: u16) -> Self {
        Fault::new(Kind::Respond(FaultResponse::new(status, "application/json", detail(status).to_string())))
    }

    /// An answer of the proxy before fal, such as 502, 503 or 504: a page in HTML that says `nginx`, without a request
    /// id. It comes before the request has arrived, or, with [`after_effect`](Self::after_effect), after.
    pub fn nginx(status: u16) -> Self {
        let title = format!("{status} {}", reason(status));
        let page = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Fault::new(Kind::Respond(FaultResponse::new(status, "text/html", page)))
    }

    /// An answer of fal's platform that names one of its error types, such as `runner_disconnected` or
    /// `concurrent_requests_limit`, with the status that belongs to it (500 for an unknown one), the type in body and
    /// header, and `X-Fal-Needs-Retry: 1` where repeating makes sense to fal.
    pub fn request_error(error_type: impl Into<String>) -> Self {
        let error_type = error_type.into();
        let (status, needs_retry) = response::request_error(&error_type);
        let words = error_type.replace('_', " ");
        let body = json!({ "detail": format!("Request failed: {words}"), "error_type": error_type });
        let fault = Fault::answer(status).json(&body).header("x-fal-error-type", error_type);
        if needs_retry { fault.header("x-fal-needs-retry", "1") } else { fault }
    }

    /// The request is taken, and this is what comes of it when it has run: what the result call, or the direct run,
    /// answers. For [`Operation::Submit`](crate::Operation::Submit) and [`Operation::Run`](crate::Operation::Run); for
    /// others it is none.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator) {
    /// let refusal = serde_json::json!({ "detail": [{
    ///     "loc": ["body", "prompt"],
    ///     "msg": "The content could not be processed",
    ///     "type": "content_policy_violation",
    /// }] });
    /// emulator.fault(Operation::Submit, Fault::outcome(422).json(&refusal));
    /// # }
    /// ```
    pub fn outcome(status: u16) -> Self {
        Fault::new(Kind::Outcome(FaultResponse::new(status, "application/json", detail(status).to_string())))
    }

    /// No answer: the connection is closed once the request was read.
    pub fn drop_connection() -> Self {
        Fault::new(Kind::Drop)
    }

    /// No answer: the connection is closed once so many bytes of the request's body were read, or all of a shorter one.
    /// The request has no effect.
    pub fn drop_request_after(bytes: usize) -> Self {
        Fault::new(Kind::DropRequest { after: bytes })
    }

    /// Once so many bytes of the request's body were read, no more are, and nothing is answered, while the connection
    /// stays. The request has no effect.
    pub fn stall_request_after(bytes: usize) -> Self {
        Fault::new(Kind::StallRequest { after: bytes })
    }

    /// The request takes effect, and the connection is closed within the status line of the answer.
    pub fn tear_head() -> Self {
        Fault::new(Kind::TearHead)
    }

    /// The connection is closed within the answer: after so many events of a stream, after so many bytes of anything
    /// else.
    pub fn tear_after(count: usize) -> Self {
        Fault::new(Kind::Tear { after: count })
    }

    /// The connection is closed after so many bytes of the answer's body, be it in the middle of an event.
    pub fn tear_after_bytes(bytes: usize) -> Self {
        Fault::new(Kind::TearBytes { after: bytes })
    }

    /// The answer's body comes in pieces of so many bytes (at least one), with a pause before each.
    pub fn drip(bytes: usize, pause: Duration) -> Self {
        Fault::new(Kind::Drip { bytes: bytes.max(1), pause })
    }

    /// After so many events of a stream, or bytes of anything else, nothing comes any more, not even a keep-alive,
    /// while the connection stays.
    pub fn silence_after(count: usize) -> Self {
        Fault::new(Kind::Silence { after: count })
    }

    /// A file is sent as a whole although a part of it was asked for, as by a host that knows no ranges.
    pub fn without_ranges() -> Self {
        Fault::new(Kind::WithoutRanges)
    }

    /// The JSON body of an [`answer`](Self::answer) or [`outcome`](Self::outcome). No other fault has a body.
    pub fn json(self, value: &Value) -> Self {
        self.with_body("application/json", value.to_string())
    }

    /// The HTML body of an [`answer`](Self::answer) or [`outcome`](Self::outcome). No other fault has a body.
    pub fn html(self, text: impl Into<String>) -> Self {
        self.with_body("text/html", text.into())
    }

    fn with_body(mut self, content_type: &'static str, body: String) -> Self {
        if let Kind::Respond(answer) | Kind::Outcome(answer) = &mut self.kind {
            *answer = FaultResponse::new(answer.status, content_type, body);
        }
        self
    }

    /// A header of the answer, be it this fault's own or the usual one. It takes the place of one of that name.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The header `Retry-After` with so many seconds; a part of one counts as a whole one.
    pub fn retry_after(self, time: Duration) -> Self {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        self.header("retry-after", seconds.to_string())
    }

    /// The header `Retry-After` with the date that is so far away when the answer is given.
    pub fn retry_after_date(mut self, time: Duration) -> Self {
        self.retry_at = Some(time);
        self
    }

    /// How long to wait before anything else. It is measured with the emulator's time, so that
    /// [`Emulator::advance_time`](crate::Emulator::advance_time) ends it: a request can be held as long as a test
    /// likes.
    pub fn delay(mut self, time: Duration) -> Self {
        self.delay = time;
        self
    }

    /// The request takes effect, and then the fault happens to its answer. Otherwise an [`answer`](Self::answer) or a
    /// [dropped connection](Self::drop_connection) comes instead of the effect: nothing is run, queued or cancelled.
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    /// Only requests about this endpoint take the fault: runs and submits to it, and status, result and cancel calls of
    /// its requests.
    pub fn on(self, endpoint: impl Into<String>) -> Self {
        let endpoint = endpoint.into();
        self.when(move |request| request.endpoint() == Some(&endpoint))
    }

    /// Only requests for which this is true take the fault. A request's body is not read yet when it is asked, and it
    /// must not call the emulator.
    ///
    /// ```
    /// # use fal_emulator::{Emulator, Fault, Operation};
    /// # fn example(emulator: &Emulator, request_id: String) {
    /// let of_this = Fault::answer(500).when(move |request| request.request_id() == Some(&request_id));
    /// emulator.fault(Operation::Status, of_this);
    /// # }
    /// ```
    pub fn when(mut self, condition: impl Fn(&ReceivedRequest) -> bool + Send + Sync + 'static) -> Self {
        let before = self.only_for.take();
        self.only_for =
            Some(Arc::new(move |request| before.as_ref().is_none_or(|before| before(request)) && condition(request)));
        self
    }

    pub(super) fn matches(&self, request: &ReceivedRequest) -> bool {
        self.only_for.as_ref().is_none_or(|condition| condition(request))
    }

    /// What becomes of a request that is not read to its end: so many bytes of the body are.
    pub(crate) fn request_cut(&self) -> Option<(usize, Cut)> {
        match self.kind {
            Kind::DropRequest { after } => Some((after, Cut::Drop)),
            Kind::StallRequest { after } => Some((after, Cut::Stall)),
            _ => None,
        }
    }

    pub(crate) fn ignores_range(&self) -> bool {
        matches!(self.kind, Kind::WithoutRanges)
    }

    pub(crate) async fn wait(&self, clock: &Clock) {
        clock.sleep(self.delay).await;
    }

    /// What comes instead of the effect, if anything does.
    pub(crate) fn replacement(&self, clock: &Clock) -> Option<Result<Reply, Dropped>> {
        if self.after_effect { None } else { self.own_reply(clock) }
    }

    /// What comes of a request that is taken, if it is not as usual.
    pub(crate) fn job_failure(&self, clock: &Clock) -> Option<Failure> {
        match &self.kind {
            Kind::Outcome(answer) => Some(match answer.head(&self.headers(clock)) {
                Ok(head) => Failure::ordered(head, answer.body.clone()),
                Err(reason) => Failure::internal(response::unusable(&reason)),
            }),
            _ => None,
        }
    }

    /// What becomes of the usual answer.
    pub(crate) fn apply(&self, usual: Reply, clock: &Arc<Clock>, break_point: &BreakPoint) -> Result<Reply, Dropped> {
        let reply = match &self.kind {
            Kind::Outcome(_) => return Ok(usual),
            Kind::Respond(_) | Kind::Drop => return self.own_reply(clock).unwrap_or(Ok(usual)),
            // Those of the request have come to pass before.
            Kind::Nothing | Kind::WithoutRanges | Kind::DropRequest { .. } | Kind::StallRequest { .. } => usual,
            Kind::TearHead => {
                break_point.set(HEAD_BYTES);
                usual
            }
            Kind::Tear { after } => disturb::tear(usual, *after),
            Kind::TearBytes { after } => disturb::tear_bytes(usual, *after),
            Kind::Drip { bytes, pause } => disturb::drip(usual, *bytes, *pause, Arc::clone(clock)),
            Kind::Silence { after } => disturb::silence(usual, *after),
        };
        Ok(response::with_headers(reply, &self.headers(clock)))
    }

    fn own_reply(&self, clock: &Clock) -> Option<Result<Reply, Dropped>> {
        match &self.kind {
            Kind::Drop => Some(Err(Dropped)),
            Kind::Respond(answer) => Some(Ok(answer.reply(&self.headers(clock)))),
            _ => None,
        }
    }

    fn headers(&self, clock: &Clock) -> Vec<(String, String)> {
        let date = self.retry_at.and_then(|time| clock.date().checked_add(time));
        let retry_at = date.map(|date| ("retry-after".to_owned(), httpdate::fmt_http_date(date)));
        self.headers.iter().cloned().chain(retry_at).collect()
    }
}

fn detail(status: u16) -> Value {
    json!({ "detail": reason(status) })
}

fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("A fault was ordered")
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("kind", &self.kind)
            .field("delay", &self.delay)
            .field("after_effect", &self.after_effect)
            .field("headers", &self.headers)
            .field("retry_at", &self.retry_at)
            .field("is_conditional", &self.only_for.is_some())
            .finish()
    }
}
