use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::log_cursor::LogCursor;
use super::patience::Patience;
use super::poll_delay::poll_delay;
use super::target::Target;
use crate::error::Error;
use crate::protocol::{QueueUpdate, RawResponse};
use crate::text::shown;
use crate::transport::{Chunks, EventStream, Operation, Place, jittered, open, send, verdict};

/// Maximum bytes of an event of a status stream.
const MAX_EVENT: usize = 16 << 20;

/// Maximum number of consecutive status streams that end without a change. After that, the status is polled.
const MAX_EMPTY_STREAMS: u32 = 2;

/// Minimum delay before a stream is opened again, whatever the policy is.
const MIN_REOPENING: Duration = Duration::from_millis(100);

/// The time in which a stream should end after the last status, as fal's streams do. A new connection would take longer.
const STREAM_END: Duration = Duration::from_millis(10);

/// The time in which a stream must begin with the current status, as fal's streams do. After that, the status is polled.
const FIRST_SILENCE: Duration = Duration::from_secs(3);

/// The time without a change after which the status is polled next to an open stream, because a proxy may hold an event
/// back or repeat an old one. It doubles with each poll without a change: a quiet stream of an hour costs 61 polls.
const SILENCE: Duration = Duration::from_secs(15);
const MAX_SILENCE: Duration = Duration::from_secs(60);

/// Follows a request until it is completed.
///
/// It reads a status stream, and opens another one if the connection is lost. It polls if the service has no stream for the
/// request, or if the stream is silent. If the client has reached its limit of open streams, it polls until a place is free.
pub(crate) struct Follower {
    target: Target,
    logs: bool,
    since: Instant,
    /// True if the request was submitted just before.
    is_new: bool,
    cursor: LogCursor,
    last: Option<QueueUpdate>,
    source: Source,
    /// The place of its stream, or its turn for one while it polls.
    place: Option<Place>,
    /// Number of consecutive streams that ended without a change.
    empty_streams: u32,
    patience: Patience,
}

enum Source {
    /// No connection.
    Idle,
    Stream(OpenStream),
    /// Polling, with the time of the next poll.
    Poll {
        due: Instant,
        /// The time of the request of a stream that was silent, until a poll succeeds or fails.
        silent_since: Option<Instant>,
    },
}

struct OpenStream {
    events: Box<EventStream>,
    /// Time of its request.
    since: Instant,
    /// True once the stream has delivered a status.
    had_status: bool,
    /// True once the stream has delivered log lines.
    had_lines: bool,
    /// Time of the next poll, unless the stream delivers a change before.
    poll_due: Instant,
    /// The silence that leads to the next poll.
    silence: Duration,
}

impl Follower {
    /// Follows a request whose age is unknown.
    pub(crate) fn new(target: Target, logs: bool) -> Self {
        Follower {
            target,
            logs,
            since: Instant::now(),
            is_new: false,
            cursor: LogCursor::default(),
            last: None,
            source: Source::Idle,
            place: None,
            empty_streams: 0,
            patience: Patience::new(Operation::Status),
        }
    }

    /// Follows a request that was just submitted.
    pub(crate) fn submitted(target: Target, logs: bool) -> Self {
        Follower { is_new: true, ..Follower::new(target, logs) }
    }

    /// Returns the next change. Must not be called after the request is completed.
    ///
    /// Failures that say nothing about the request are waited out until the patience of the client's policy is exhausted.
    /// Errors have the request's id.
    pub(crate) async fn next(&mut self) -> Result<QueueUpdate, Error> {
        loop {
            match self.step().await {
                Ok(Some(update)) => {
                    self.patience.renew();
                    self.schedule_poll();
                    if self.last.as_ref() == Some(&update) {
                        continue;
                    }
                    if update.is_completed() {
                        self.learn_from(&update);
                        self.end_stream().await;
                    }
                    self.empty_streams = 0;
                    self.last = Some(without_logs(&update));
                    let (request_id, lines) = (self.target.request_id(), update.logs().len());
                    tracing::debug!(
                        request_id = shown(request_id),
                        status = shown(update.status()),
                        lines,
                        "queue update"
                    );
                    return Ok(update);
                }
                Ok(None) => {}
                Err(error) => {
                    let (kind, status) = (error.kind(), error.status());
                    let delay = self.patience.delay(&self.target.context.retry, error);
                    let delay = delay.map_err(|error| self.target.explain(error))?;
                    tracing::debug!(request_id = shown(self.target.request_id()), ?kind, ?status, "fal is unavailable");
                    self.poll_after(Duration::ZERO);
                    // Not the delay of the poll, which ends when a place for a stream is free.
                    sleep(delay).await;
                }
            }
        }
    }

    /// Sets the time of the next poll, if the request is polled.
    fn schedule_poll(&mut self) {
        let Source::Poll { due, .. } = &mut self.source else { return };
        let expected = self.is_new.then(|| self.target.context.durations.expected(&self.target.endpoint)).flatten();
        *due = Instant::now() + jittered(poll_delay(self.since.elapsed(), expected));
    }

    /// Remembers the duration of a successful request, so that later ones are polled about when they are completed.
    fn learn_from(&self, update: &QueueUpdate) {
        if self.is_new && update.failure().is_none() {
            self.target.context.durations.record(&self.target.endpoint, self.since.elapsed());
        }
    }

    /// Reads the end of a stream after its last status, so that the request of the result can use its connection.
    async fn end_stream(&mut self) {
        if let Source::Stream(stream) = &mut self.source {
            let end = async { while let Ok(Some(_)) = stream.events.next().await {} };
            if timeout(STREAM_END, end).await.is_ok() {
                // Lets the task of the connection return it to the pool.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Opens a stream, reads an event, or polls. `None` if there is no status yet.
    async fn step(&mut self) -> Result<Option<QueueUpdate>, Error> {
        match &mut self.source {
            Source::Idle => {
                self.open().await?;
                Ok(None)
            }
            Source::Stream(stream) => {
                let due = stream.poll_due;
                let polled = async {
                    sleep_until(due).await;
                    poll(&self.target, self.logs).await
                };
                let first = match select(pin!(stream.next(self.last.as_ref())), pin!(polled)).await {
                    Either::Left((event, _)) => Either::Left(event),
                    Either::Right((polled, _)) => Either::Right(polled),
                };
                match first {
                    Either::Left(Ok(Some(update))) => Ok(Some(self.take_event(update))),
                    Either::Left(ended) => {
                        let ended = ended.err().map(|error| error.kind());
                        tracing::debug!(request_id = shown(self.target.request_id()), kind = ?ended, "status stream lost");
                        self.stream_ended();
                        Ok(None)
                    }
                    Either::Right(polled) => self.take_poll_next_to_stream(polled),
                }
            }
            Source::Poll { due, .. } => {
                if let Some(Place::Awaited(turn)) = &mut self.place
                    && let Ok(permit) = timeout_at(*due, turn).await
                {
                    self.take_place(permit);
                    return Ok(None);
                }
                sleep_until(*due).await;
                // A place that becomes free waits for the poll, which may itself wait for as long as fal has requested.
                let polled = poll(&self.target, self.logs).await;
                if let Source::Poll { silent_since, .. } = &mut self.source
                    && let Some(since) = silent_since.take()
                    && polled.is_ok()
                {
                    self.target.context.streams.report_silence(since);
                }
                Ok(Some(self.take_poll(polled?)))
            }
        }
    }

    /// Opens a stream. The refusal of a stream says nothing about the request: a poll does.
    async fn open(&mut self) -> Result<(), Error> {
        let context = &self.target.context;
        if self.empty_streams > 0 {
            // A stream that ends with each change must not be opened again without a pause.
            sleep(context.retry.backoff(self.empty_streams).max(MIN_REOPENING)).await;
        }
        if context.streams.are_silent() {
            self.place = None;
        } else if self.place.is_none() {
            self.place = context.streams.place();
        }
        if !matches!(self.place, Some(Place::Held { .. })) {
            self.poll_after(Duration::ZERO);
            return Ok(());
        }
        let request = self.target.status_stream(self.logs)?;
        let since = Instant::now();
        match timeout(FIRST_SILENCE, open(context, &request)).await {
            Ok(Ok(response)) => {
                self.source = Source::Stream(OpenStream {
                    events: Box::new(EventStream::new(Chunks::new(response, context.timeouts.status_idle), MAX_EVENT)),
                    since,
                    had_status: false,
                    had_lines: false,
                    poll_due: since + FIRST_SILENCE,
                    silence: SILENCE,
                });
            }
            Ok(Err(error)) => {
                let requested = error.response().and_then(|response| response.retry_after());
                if requested.is_none() && verdict(Operation::StatusStream, &error).passes() {
                    tracing::debug!(request_id = shown(self.target.request_id()), kind = ?error.kind(), "status stream lost");
                    self.stream_ended();
                } else {
                    tracing::debug!(status = ?error.status(), "status stream unavailable, polling");
                    // If the service requests more than the patience, the poll decides whether that concerns the request.
                    self.poll_after(requested.filter(|delay| *delay <= context.retry.patience).unwrap_or_default());
                }
            }
            Err(_) => {
                tracing::debug!(request_id = shown(self.target.request_id()), "status stream silent, polling");
                self.poll_after(Duration::ZERO);
                if let Source::Poll { silent_since, .. } = &mut self.source {
                    *silent_since = Some(since);
                }
            }
        }
        Ok(())
    }

    /// Takes a status from the stream, without the log lines that were delivered before.
    fn take_event(&mut self, mut update: QueueUpdate) -> QueueUpdate {
        if let Source::Stream(stream) = &mut self.source {
            self.target.context.streams.report_status();
            stream.silence = SILENCE;
            stream.poll_due = Instant::now() + SILENCE;
            let lines = update.logs_mut();
            if !lines.is_empty() {
                // A stream sends new lines only, but a later stream may first repeat lines of an earlier one.
                if std::mem::replace(&mut stream.had_lines, true) {
                    self.cursor.record(lines);
                } else {
                    *lines = self.cursor.after_overlap(std::mem::take(lines));
                }
            }
        }
        update
    }

    /// Takes a polled status, without the log lines that were delivered before.
    fn take_poll(&mut self, mut update: QueueUpdate) -> QueueUpdate {
        let lines = update.logs_mut();
        *lines = self.cursor.after_overlap(std::mem::take(lines));
        update
    }

    /// Handles the poll of a request whose stream is silent. If the stream holds statuses back, the request is polled from
    /// now on. A stream that has delivered a status before is trusted more than a failed poll.
    fn take_poll_next_to_stream(&mut self, polled: Result<QueueUpdate, Error>) -> Result<Option<QueueUpdate>, Error> {
        let Source::Stream(stream) = &mut self.source else { return Ok(None) };
        let (had_status, since) = (stream.had_status, stream.since);
        stream.silence = (stream.silence * 2).min(MAX_SILENCE);
        match polled {
            Ok(update) => {
                stream.poll_due = Instant::now() + stream.silence;
                let update = self.take_poll(update);
                if !had_status || self.last.as_ref() != Some(&update) {
                    tracing::debug!(request_id = shown(self.target.request_id()), "status stream silent, polling");
                    self.poll_after(Duration::ZERO);
                }
                if !had_status {
                    self.target.context.streams.report_silence(since);
                }
                Ok(Some(update))
            }
            Err(error) if had_status => {
                let requested = error.response().and_then(|response| response.retry_after()).unwrap_or_default();
                stream.poll_due = later(stream.silence.max(requested));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a stream in the place that became free, unless streams turned out to be silent meanwhile.
    fn take_place(&mut self, permit: Option<OwnedSemaphorePermit>) {
        let permit = permit.filter(|_| !self.target.context.streams.are_silent());
        self.place = permit.map(|_permit| Place::Held { _permit });
        if self.place.is_some() {
            self.source = Source::Idle;
        }
    }

    /// Polls after a delay. A follower that has used its place for a stream leaves it to others, and polls to the end.
    fn poll_after(&mut self, delay: Duration) {
        self.place = self.place.take().filter(|place| matches!(place, Place::Awaited(_)));
        self.source = Source::Poll { due: later(delay), silent_since: None };
    }

    /// Handles a stream that ended or could not be opened. The count starts at 0 again after every change.
    fn stream_ended(&mut self) {
        self.empty_streams += 1;
        if self.empty_streams > MAX_EMPTY_STREAMS {
            self.poll_after(Duration::ZERO);
        } else {
            self.source = Source::Idle;
        }
    }
}

impl OpenStream {
    /// Returns the next change after `last`, or `None` at the end of the stream. An event that is not a status may be
    /// damaged, or of a kind that fal adds later.
    async fn next(&mut self, last: Option<&QueueUpdate>) -> Result<Option<QueueUpdate>, Error> {
        while let Some(event) = self.events.next().await? {
            if let Some(update) = QueueUpdate::parse(event.data.as_bytes()) {
                self.had_status = true;
                if last != Some(&update) {
                    return Ok(Some(update));
                }
            }
        }
        Ok(None)
    }
}

async fn poll(target: &Target, logs: bool) -> Result<QueueUpdate, Error> {
    parse_status(send(&target.context, &target.status(logs)?).await?)
}

/// Parses the response to a status request.
pub(crate) fn parse_status(response: RawResponse) -> Result<QueueUpdate, Error> {
    QueueUpdate::parse(&response.body)
        .ok_or_else(|| Error::unexpected("unexpected response to the status request", response))
}

/// Returns the instant after a delay, which a service may have requested without a sensible limit.
fn later(delay: Duration) -> Instant {
    const DAY: Duration = Duration::from_secs(86_400);
    Instant::now() + delay.min(DAY)
}

/// Returns the part of an update that is compared with the next one.
fn without_logs(update: &QueueUpdate) -> QueueUpdate {
    let mut update = update.clone();
    update.logs_mut().clear();
    update
}
