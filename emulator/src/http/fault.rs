use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::Operation;
use super::reply::{self, Body, Dropped, Reply};

/// Something that goes wrong with one request.
///
/// Faults are ordered for an [`Operation`] with [`Emulator::fault`](crate::Emulator::fault), and each request of that
/// operation takes the next one, so the third status call gets the third fault that was ordered for
/// [`Operation::Status`]. Requests beyond them are answered as usual.
///
/// ```
/// # use std::time::Duration;
/// # use fal_emulator::{Emulator, Fault, Operation};
/// # fn example(emulator: &Emulator) {
/// // The first submit is refused, the second is taken but the answer to it is lost.
/// emulator.fault(Operation::Submit, Fault::answer(429).header("retry-after", "1"));
/// emulator.fault(Operation::Submit, Fault::drop_connection().after_effect());
/// // The status stream breaks off after two events.
/// emulator.fault(Operation::StatusStream, Fault::tear_after(2));
/// // The first result call is answered as usual, the second by a proxy on the way, late.
/// emulator.fault(Operation::Result, Fault::none());
/// emulator.fault(Operation::Result, Fault::answer(502).html("<h1>nginx</h1>").delay(Duration::from_millis(20)));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    what: What,
    delay: Duration,
    after_effect: bool,
}

#[derive(Clone, Debug)]
enum What {
    Nothing,
    Answer { status: u16, headers: Vec<(String, String)>, content_type: &'static str, body: Bytes },
    Drop,
    Tear { after: usize },
}

impl Fault {
    fn new(what: What) -> Self {
        Fault { what, delay: Duration::ZERO, after_effect: false }
    }

    /// Nothing goes wrong: the request is let through. With [`delay`](Self::delay), it is answered late.
    pub fn none() -> Self {
        Fault::new(What::Nothing)
    }

    /// Another answer than usual, with this HTTP status (200 to 599) and `{"detail": "the status in words"}`.
    pub fn answer(status: u16) -> Self {
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let body = json!({ "detail": reason.unwrap_or("A fault was ordered") });
        let headers = Vec::new();
        Fault::new(What::Answer { status, headers, content_type: "application/json", body: body.to_string().into() })
    }

    /// No answer: the connection is closed.
    pub fn drop_connection() -> Self {
        Fault::new(What::Drop)
    }

    /// The connection is closed within the answer: after so many events of a stream, after so many bytes of anything
    /// else.
    pub fn tear_after(count: usize) -> Self {
        Fault::new(What::Tear { after: count })
    }

    /// The JSON body of an [`answer`](Self::answer). No other fault has a body.
    pub fn json(self, value: &Value) -> Self {
        self.with_body("application/json", value.to_string().into())
    }

    /// The HTML body of an [`answer`](Self::answer), as a proxy on the way gives it. No other fault has a body.
    pub fn html(self, text: impl Into<String>) -> Self {
        self.with_body("text/html", text.into().into())
    }

    fn with_body(mut self, new_type: &'static str, new_body: Bytes) -> Self {
        if let What::Answer { content_type, body, .. } = &mut self.what {
            (*content_type, *body) = (new_type, new_body);
        }
        self
    }

    /// A header of an [`answer`](Self::answer). No other fault has headers.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let What::Answer { headers, .. } = &mut self.what {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// How long to wait before anything else.
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

    pub(crate) async fn wait(&self) {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
    }

    /// What comes instead of the effect, if anything does.
    pub(crate) fn instead(&self) -> Option<Result<Reply, Dropped>> {
        if self.after_effect { None } else { self.own_reply() }
    }

    /// What becomes of the usual answer.
    pub(crate) async fn befall(&self, usual: Reply) -> Result<Reply, Dropped> {
        match self.what {
            What::Tear { after } => Ok(tear(usual, after).await),
            _ => self.own_reply().unwrap_or(Ok(usual)),
        }
    }

    fn own_reply(&self) -> Option<Result<Reply, Dropped>> {
        match &self.what {
            What::Nothing | What::Tear { .. } => None,
            What::Drop => Some(Err(Dropped)),
            What::Answer { status, headers, content_type, body } => {
                let built = answer(*status, headers, content_type, body);
                Some(Ok(built.unwrap_or_else(|reason| {
                    reply::detail(StatusCode::INTERNAL_SERVER_ERROR, &format!("a fault cannot be answered: {reason}"))
                })))
            }
        }
    }
}

fn answer(
    status: u16,
    headers: &[(String, String)],
    content_type: &'static str,
    body: &Bytes,
) -> Result<Reply, String> {
    let mut reply = Response::new(reply::full(body.clone()));
    *reply.status_mut() = StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| format!("{status} is not a status from 200 to 599"))?;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) else {
            return Err(format!("`{name}: {value}` is not a header"));
        };
        reply.headers_mut().insert(name, value);
    }
    Ok(reply)
}

/// The answer up to so many events or bytes, and then a broken connection.
async fn tear(reply: Reply, after: usize) -> Reply {
    let (head, body) = reply.into_parts();
    let is_stream = head.headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"));
    let torn = if is_stream { events(body, after) } else { bytes(body, after).await };
    Response::from_parts(head, torn)
}

fn events(body: Body, after: usize) -> Body {
    let events = stream::unfold((body.into_data_stream(), after), |(mut events, left)| async move {
        if left == 0 {
            return Some((break_off().await, (events, left)));
        }
        let chunk = events.next().await?;
        let is_event = chunk.as_ref().is_ok_and(|chunk| chunk.starts_with(b"data:"));
        Some((chunk.map(Frame::data), (events, left - usize::from(is_event))))
    });
    StreamBody::new(events).boxed_unsync()
}

async fn bytes(body: Body, after: usize) -> Body {
    let whole = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let part = whole.slice(..after.min(whole.len()));
    StreamBody::new(stream::iter([Ok(Frame::data(part))]).chain(stream::once(break_off()))).boxed_unsync()
}

/// Breaks a body off, once what came before is sent: hyper sends when a body makes it wait.
async fn break_off() -> Result<Frame<Bytes>, Dropped> {
    tokio::task::yield_now().await;
    Err(Dropped)
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<HashMap<Operation, VecDeque<Fault>>>);

impl Faults {
    pub(crate) fn add(&self, operation: Operation, fault: Fault) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.entry(operation).or_default().push_back(fault);
    }

    /// The fault for the next request of an operation.
    pub(crate) fn take(&self, operation: Operation) -> Fault {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.get_mut(&operation).and_then(VecDeque::pop_front).unwrap_or_else(Fault::none)
    }
}
