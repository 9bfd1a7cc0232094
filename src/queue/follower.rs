use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::log_cursor::LogCursor;
use super::target::Target;
use crate::error::{Error, ErrorKind};
use crate::protocol::{QueueUpdate, RawResponse};
use crate::transport::{EventStream, jittered, open, send};

/// The pause after the first poll, and after one that tells something new; each further one is a half longer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// How often in a row a status stream may end before it has told anything new. Then the status is polled.
const MAX_EMPTY_STREAMS: u32 = 2;

/// Follows a request until it is completed: by the status stream, again after it breaks, and by polling where there is
/// none, or where the client has as many streams open as it may.
#[derive(Debug)]
pub(crate) struct Follower {
    target: Target,
    logs: bool,
    cursor: LogCursor,
    last: Option<QueueUpdate>,
    source: Source,
    /// How many streams in a row ended before they told anything new.
    empty_streams: u32,
    /// When fal was last heard of, or first asked.
    heard: Option<Instant>,
}

#[derive(Debug)]
enum Source {
    /// No connection.
    Idle,
    /// A stream, and whether it has had lines yet.
    Stream { events: Box<EventStream>, had_lines: bool, _permit: OwnedSemaphorePermit },
    /// Polls, with the pause before the next.
    Poll { pause: Duration },
}

impl Follower {
    pub(crate) fn new(target: Target, logs: bool) -> Self {
        let cursor = LogCursor::default();
        Follower { target, logs, cursor, last: None, source: Source::Idle, empty_streams: 0, heard: None }
    }

    /// The next change. After one that is completed there is none.
    ///
    /// A service that cannot be reached is tried again for as long as the client's policy has patience. Errors carry the
    /// request's id.
    pub(crate) async fn next(&mut self) -> Result<QueueUpdate, Error> {
        loop {
            let heard = *self.heard.get_or_insert_with(Instant::now);
            match self.step().await {
                Ok(Some(update)) => {
                    self.heard = Some(Instant::now());
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
                    let patient = heard.elapsed() < self.target.context.retry.patience;
                    if !patient || !error.is_retryable() {
                        return Err(self.target.explain(error));
                    }
                    tracing::debug!(request_id = self.target.request_id(), kind = ?error.kind(), "fal is not heard of");
                    if !matches!(self.source, Source::Poll { .. }) {
                        self.source = Source::Poll { pause: FIRST_PAUSE };
                    }
                }
            }
        }
    }

    /// One move: a connection that is opened, an event that is read, or a poll.
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
                        tracing::debug!(status = ?error.status(), "no status stream, polling");
                        self.source = Source::Poll { pause: Duration::ZERO };
                    }
                    Err(error) => return Err(error),
                }
                Ok(None)
            }
            Source::Stream { events, had_lines, .. } => match events.next().await {
                Ok(Some(data)) => {
                    // What is no status is passed over, as an event of a kind to come.
                    let Some(mut update) = QueueUpdate::parse(&data) else { return Ok(None) };
                    if !update.logs().is_empty() {
                        let lines = update.logs_mut();
                        // A stream tells what is new, but the first lines of one that follows another may be old.
                        if std::mem::replace(had_lines, true) {
                            self.cursor.note(lines);
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

    /// A stream has ended, or could not be opened. What it told that was new has set the count back.
    fn stream_ended(&mut self, error: &Error) {
        tracing::debug!(request_id = self.target.request_id(), kind = ?error.kind(), "the status stream broke");
        self.empty_streams += 1;
        self.source =
            if self.empty_streams > MAX_EMPTY_STREAMS { Source::Poll { pause: Duration::ZERO } } else { Source::Idle };
    }
}

/// Parses the answer to a status request.
pub(crate) fn parse_status(response: RawResponse) -> Result<QueueUpdate, Error> {
    QueueUpdate::parse(&response.body)
        .ok_or_else(|| Error::unexpected("fal answered a status request with something that is no status", response))
}

/// Whether the service has no stream to offer although the request may be fine.
fn means_no_stream(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Service => error.status().is_some_and(|status| !matches!(status.as_u16(), 401 | 403)),
        ErrorKind::UnexpectedResponse => true,
        _ => false,
    }
}

/// What of an update says whether the next one differs.
fn without_logs(update: &QueueUpdate) -> QueueUpdate {
    let mut update = update.clone();
    update.logs_mut().clear();
    update
}
