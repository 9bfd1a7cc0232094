use std::fmt;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use http::HeaderMap;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::Span;

use super::body::Body;
use super::head::Head;
use super::opening::{Settings, open};
use super::stream_event::StreamEvent;
use crate::call::{Outgoing, record_request_id, send_options, timeout_option};
use crate::error::{Error, ErrorKind};
use crate::schema::EndpointInput;
use crate::text::shown;
use crate::transport::{Operation, check_runtime, deadline, judged, until};

/// Default of the maximum time without a sign of life.
const IDLE: Duration = Duration::from_secs(300);

/// Default of the maximum bytes of an event.
const MAX_EVENT: usize = 64 << 20;

/// A stream of a model's outputs, as the model makes them. Created by [`Handle::stream`](crate::Handle::stream).
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use futures_util::TryStreamExt;
///
/// let mut events = client.endpoint("fal-ai/any-llm").stream(serde_json::json!({ "prompt": "Tell me a story" }));
/// while let Some(event) = events.try_next().await? {
///     if let Some(output) = event.output() {
///         println!("{}", output["output"]); // the text so far
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// It is a builder for the options of the call, and sends nothing before it is first polled. Options have no effect after
/// that. The client then validates the input, uploads its files, and posts it to the path `stream` of the endpoint. Not every
/// model has one. A stream does not use the queue, and dropping it closes the connection.
///
/// The stream ends with the response, with an event `[DONE]`, or with the first error. Events before an error are delivered.
///
/// # Errors
///
/// - Before the stream begins, the errors of a [`Run`](crate::Run). A failed request is retried like a run.
/// - A connection that is lost, or an event that is too large. A stream that has begun is never sent again, because it is
///   billed: [`may_have_been_accepted`](Error::may_have_been_accepted) is true.
/// - An error event of the model. [`body`](Error::body) is the data of the event.
#[must_use = "a stream does nothing until it is polled"]
pub struct OutputStream<I, O> {
    /// Sent when the stream is first polled.
    outgoing: Outgoing,
    settings: Settings,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    /// Wakes the task at the deadline.
    alarm: Option<Pin<Box<Sleep>>>,
    state: State,
    /// The head of the response, which outlives the body.
    head: Option<Head>,
    span: Span,
    of: PhantomData<fn(I) -> O>,
}

type Opening = BoxFuture<'static, Result<(Head, Body), Error>>;

enum State {
    New,
    Opening { opening: Opening, is_out: Arc<AtomicBool> },
    Open(Box<Body>),
    Over,
}

impl<I, O> OutputStream<I, O> {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        OutputStream {
            outgoing,
            settings: Settings { idle: IDLE, max_event: MAX_EVENT },
            timeout: None,
            deadline: None,
            alarm: None,
            state: State::New,
            head: None,
            span: Span::none(),
            of: PhantomData,
        }
    }

    send_options!();

    /// Sets the path below the endpoint that streams. Default: `stream`, or nothing if the endpoint's id ends with `/stream`.
    ///
    /// With an empty path, the request goes to the endpoint itself. Some endpoints stream if their input says so.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.outgoing.path = Some(path.into());
        self
    }

    timeout_option! {
        /// It includes uploads and all events. The model may keep running after that.
    }

    /// Time limit for silence: until the response begins, and between two parts of it. Comments are signs of life. Default: 5
    /// minutes, because a model may be silent while it starts or thinks.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.idle = timeout;
        self
    }

    /// Maximum bytes of the data of an event, or of a response that is not a stream. Default: 64 MiB. A larger one is an
    /// error. 0 counts as 1.
    pub fn max_event_size(mut self, bytes: usize) -> Self {
        self.settings.max_event = bytes;
        self
    }

    /// Returns the request id (`x-fal-request-id`). `None` before the first event, and for responses without one.
    pub fn request_id(&self) -> Option<&str> {
        self.head.as_ref()?.request_id.as_deref()
    }

    /// Returns the headers of the response. `None` before the first event.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.head.as_ref().map(|head| &head.headers)
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> OutputStream<I, O> {
    /// Reads the stream to its end. Returns the last event with an output, or else the last event.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let last = client.endpoint("fal-ai/any-llm").stream(serde_json::json!({ "prompt": "Hello" })).finish().await?;
    /// if let Some(output) = last.output() {
    ///     println!("{}", output["output"]); // the whole text
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the stream, and that of a stream without an event.
    pub async fn finish(mut self) -> Result<StreamEvent<O>, Error> {
        let mut last: Option<StreamEvent<O>> = None;
        while let Some(event) = self.next().await {
            let event = event?;
            if event.output().is_some() || last.as_ref().is_none_or(|last| last.output().is_none()) {
                last = Some(event);
            }
        }
        last.ok_or_else(|| {
            let error = Error::new(ErrorKind::UnexpectedResponse, "the stream ended without an event");
            let error = error.with_endpoint(&self.outgoing.endpoint);
            if let Some(head) = &self.head { head.accepted(error) } else { error }
        })
    }

    /// Begins to send the request.
    fn start(&mut self) -> Result<State, Error> {
        check_runtime()?;
        self.deadline = self.timeout.and_then(deadline);
        let is_out = Arc::new(AtomicBool::new(false));
        let opening =
            open_within(self.outgoing.take(), self.settings, Arc::clone(&is_out), self.deadline, self.timeout);
        Ok(State::Opening { opening, is_out })
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<StreamEvent<O>>, Error>> {
        loop {
            match &mut self.state {
                State::New => self.state = self.start()?,
                State::Opening { opening, is_out } => match ready!(opening.poll_unpin(context)) {
                    Ok((head, body)) => {
                        head.request_id.iter().for_each(|id| record_request_id(&self.span, id));
                        self.head = Some(head);
                        self.state = State::Open(Box::new(body));
                    }
                    Err(error) => {
                        // Set after a timeout and after an unreadable response, but not after an error response.
                        let operation = Operation::Stream { idle: self.settings.idle };
                        let is_out = is_out.load(Ordering::Relaxed);
                        return Poll::Ready(Err(if is_out { judged(operation, error) } else { error }));
                    }
                },
                State::Open(body) => {
                    let Some(head) = &self.head else { return Poll::Ready(Ok(None)) };
                    // A stream without a pause must end at the deadline, too.
                    if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                        let error = timed_out(self.timeout.unwrap_or_default());
                        return Poll::Ready(Err(head.accepted(error)));
                    }
                    if let Poll::Ready(event) = body.poll_next(head, context) {
                        return Poll::Ready(event.map_err(|error| head.accepted(error)));
                    }
                    let Some(deadline) = self.deadline else { return Poll::Pending };
                    let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                    ready!(alarm.as_mut().poll(context));
                }
                State::Over => return Poll::Ready(Ok(None)),
            }
        }
    }
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> Stream for OutputStream<I, O> {
    type Item = Result<StreamEvent<O>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let State::New = self.state {
            // Fields are only computed if the span is enabled.
            let endpoint = &self.outgoing.endpoint;
            self.span =
                tracing::info_span!("fal.stream", endpoint = shown(endpoint), request_id = tracing::field::Empty);
        }
        let span = self.span.clone();
        let event = ready!(span.in_scope(|| self.poll_event(context)));
        if !matches!(event, Ok(Some(_))) {
            // Closes the connection.
            self.state = State::Over;
        }
        Poll::Ready(event.map_err(|error| error.with_endpoint(&self.outgoing.endpoint)).transpose())
    }
}

/// Opens a stream within a time limit. Boxed, so that it is compiled in this crate.
fn open_within(
    outgoing: Outgoing,
    settings: Settings,
    is_out: Arc<AtomicBool>,
    deadline: Option<Instant>,
    limit: Option<Duration>,
) -> Opening {
    let opening = async move {
        match until(deadline, pin!(open(outgoing, settings, is_out))).await {
            Ok(opened) => opened,
            Err(attempts) => Err(timed_out(limit.unwrap_or_default()).with_attempts_so_far(attempts)),
        }
    };
    opening.boxed()
}

fn timed_out(limit: Duration) -> Error {
    Error::timeout("the stream", limit)
}

impl<I, O> fmt::Debug for OutputStream<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut stream = f.debug_struct("OutputStream");
        stream.field("endpoint", &shown(&self.outgoing.endpoint)).finish_non_exhaustive()
    }
}
