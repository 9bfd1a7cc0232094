use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::log_cursor::LogCursor;
use super::target::Target;
use crate::error::{Error, ErrorKind};
use crate::protocol::{QueueUpdate, RawResponse};
use crate::transport::{EventStream, jittered, open, send};

/// Delay after the first poll, and after each poll with a change. Each further delay is 1.5 times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Maximum number of consecutive status streams that end without a change. After that, the status is polled.
const MAX_EMPTY_STREAMS: u32 = 2;

/// Follows a request until it is completed.
///
/// It reads a status stream, and opens another one if the connection is lost. It polls if the service has no stream for the
/// request, or if the client has reached its limit of open streams.
#[derive(Debug)]
pub(crate) struct Follower {
    target: Target,
    logs: bool,
    cursor: LogCursor,
    last: Option<QueueUpdate>,
    source: Source,
    /// Number of consecutive streams that ended without a change.
    empty_streams: u32,
    /// Time of the latest update, or else of the first request.
    last_contact: Option<Instant>,
}

#[derive(Debug)]
enum Source {
    /// No connection.
    Idle,
    /// An open stream. `had_lines` is true once it has delivered log lines.
    Stream { events: Box<EventStream>, had_lines: bool, _permit: OwnedSemaphorePermit },
    /// Polling, with the delay before the next poll.
    Poll { pause: Duration },
}

impl Follower {
    pub(crate) fn new(target: Target, logs: bool) -> Self {
        let cursor = LogCursor::default();
        Follower { target, logs, cursor, last: None, source: Source::Idle, empty_streams: 0, last_contact: None }
    }

    /// Returns the next change. Must not be called after the request is completed.
    ///
    /// An unreachable service is retried until the patience of the client's policy is exhausted. Errors have the request's
    /// id.
    pub(crate) async fn next(&mut self) -> Result<QueueUpdate, Error> {
        loop {
            let last_contact = *self.last_contact.get_or_insert_with(Instant::now);
            match self.step().await {
                Ok(Some(update)) => {
                    self.last_contact = Some(Instant::now());
                    if self.last.as_ref() == Some(&update) {
                        continue;
                    }
                    self.empty_streams = 0;
                    if let Source::Poll { pause } = &mut self.source {
                        *pause = FIRST_PAUSE;
                    }
                    self.last = Some(without_logs(&update));
                    let (request_id, lines) = (self.target.request_id(), update.logs().len());
                    tracing::debug!(request_id, status = update.status(), lines, "queue update");
                    return Ok(update);
                }
                Ok(None) => {}
                Err(error) => {
                    let patient = last_contact.elapsed() < self.target.context.retry.patience;
                    if !patient || !error.is_retryable() {
                        return Err(self.target.explain(error));
                    }
                    tracing::debug!(request_id = self.target.request_id(), kind = ?error.kind(), "fal is unreachable");
                    if !matches!(self.source, Source::Poll { .. }) {
                        self.source = Source::Poll { pause: FIRST_PAUSE };
                    }
                }
            }
        }
    }

    /// Opens a stream, reads an event, or polls. `None` if there is no status yet.
    async fn step(&mut self) -> Result<Option<QueueUpdate>, Error> {
        match &mut self.source {
            Source::Idle => {
                let context = &self.target.context;
                if self.empty_streams > 0 {
                    tokio::time::sleep(context.retry.backoff(self.empty_streams)).await;
                }
                let Ok(permit) = Arc::clone(&context.streams).try_acquire_owned() else {
                    self.source = Source::Poll { pause: Duration::ZERO };
                    return Ok(None);
                };
                let request = self.target.status_stream(self.logs)?;
                match open(context, &request).await {
                    Ok(response) => {
                        let events = Box::new(EventStream::new(response, context.timeouts.stream_idle));
                        self.source = Source::Stream { events, had_lines: false, _permit: permit };
                    }
                    Err(error) if error.is_retryable() => self.stream_ended(&error),
                    Err(error) if means_no_stream(&error) => {
                        tracing::debug!(status = ?error.status(), "status stream unavailable, polling");
                        self.source = Source::Poll { pause: Duration::ZERO };
                    }
                    Err(error) => return Err(error),
                }
                Ok(None)
            }
            Source::Stream { events, had_lines, .. } => match events.next().await {
                Ok(Some(data)) => {
                    // An event that is not a status may be of a kind that fal adds later.
                    let Some(mut update) = QueueUpdate::parse(&data) else { return Ok(None) };
                    if !update.logs().is_empty() {
                        let lines = update.logs_mut();
                        // A stream sends new lines only, but a later stream may first repeat lines of an earlier one.
                        if std::mem::replace(had_lines, true) {
                            self.cursor.record(lines);
                        } else {
                            *lines = self.cursor.after_overlap(std::mem::take(lines));
                        }
                    }
                    Ok(Some(update))
                }
                Ok(None) => {
                    self.stream_ended(&Error::new(ErrorKind::Transport, "the status stream ended"));
                    Ok(None)
                }
                Err(error) => {
                    self.stream_ended(&error);
                    Ok(None)
                }
            },
            Source::Poll { pause } => {
                tokio::time::sleep(jittered(*pause)).await;
                *pause = if pause.is_zero() { FIRST_PAUSE } else { pause.mul_f64(1.5).min(MAX_PAUSE) };
                let request = self.target.status(self.logs)?;
                let mut update = parse_status(send(&self.target.context, &request).await?)?;
                let lines = update.logs_mut();
                *lines = self.cursor.after_overlap(std::mem::take(lines));
                Ok(Some(update))
            }
        }
    }

    /// Handles a stream that ended or could not be opened. The count starts at 0 again after every change.
    fn stream_ended(&mut self, error: &Error) {
        tracing::debug!(request_id = self.target.request_id(), kind = ?error.kind(), "status stream lost");
        self.empty_streams += 1;
        self.source =
            if self.empty_streams > MAX_EMPTY_STREAMS { Source::Poll { pause: Duration::ZERO } } else { Source::Idle };
    }
}

/// Parses the response to a status request.
pub(crate) fn parse_status(response: RawResponse) -> Result<QueueUpdate, Error> {
    QueueUpdate::parse(&response.body)
        .ok_or_else(|| Error::unexpected("unexpected response to the status request", response))
}

/// Returns true if the service has no stream for the request, although the request itself may be fine.
fn means_no_stream(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Service => error.status().is_some_and(|status| !matches!(status.as_u16(), 401 | 403)),
        ErrorKind::UnexpectedResponse => true,
        _ => false,
    }
}

/// Returns the part of an update that is compared with the next one.
fn without_logs(update: &QueueUpdate) -> QueueUpdate {
    let mut update = update.clone();
    update.logs_mut().clear();
    update
}
