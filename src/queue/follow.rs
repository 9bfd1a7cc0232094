use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::log::LogCursor;
use super::{QueueUpdate, Target};
use crate::error::Answer;
use crate::transport::{EventStream, open, send};
use crate::{Error, ErrorKind};

/// The pause after the first poll; each further one is a half longer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often in a row a status stream may break before it has told anything. Then the status is polled.
const PATIENCE: u32 = 2;

/// Follows a request until it is completed: by the status stream, again after it breaks, and by polling where there is
/// none, or where the client has as many streams open as it may.
#[derive(Debug)]
pub(crate) struct Follower {
    target: Target,
    logs: bool,
    cursor: LogCursor,
    last: Option<QueueUpdate>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// No connection; so many streams in a row broke before they told anything.
    Idle { broken: u32 },
    /// A stream, and whether it has had lines yet.
    Stream { events: Box<EventStream>, told: bool, broken: u32, _place: OwnedSemaphorePermit },
    /// Polls, with the pause before the next.
    Poll { pause: Duration },
}

impl Follower {
    pub(crate) fn new(target: Target, logs: bool) -> Self {
        Follower { target, logs, cursor: LogCursor::default(), last: None, source: Source::Idle { broken: 0 } }
    }

    /// The next change. After one that is completed there is none.
    ///
    /// Errors are those that the client's policy found not worth repeating, and carry the request's id.
    pub(crate) async fn next(&mut self) -> Result<QueueUpdate, Error> {
        loop {
            let update = self.step().await.map_err(|error| self.target.explain(error))?;
            if let Some(update) = update.filter(|update| self.last.as_ref() != Some(update)) {
                self.last = Some(without_logs(&update));
                let (request_id, lines) = (self.target.request_id(), update.logs().len());
                tracing::debug!(request_id, status = update.word(), lines, "queue update");
                return Ok(update);
            }
        }
    }

    /// One move: a connection that is opened, an event that is read, or a poll.
    async fn step(&mut self) -> Result<Option<QueueUpdate>, Error> {
        match &mut self.source {
            Source::Idle { broken } => {
                let broken = *broken;
                let Ok(place) = Arc::clone(&self.target.client.shared().streams).try_acquire_owned() else {
                    self.source = Source::Poll { pause: Duration::ZERO };
                    return Ok(None);
                };
                let request = self.target.status_stream(self.logs)?;
                self.source = match open(self.target.client.shared(), &request).await {
                    Ok(response) => {
                        let idle = self.target.client.shared().timeouts.stream_idle;
                        Source::Stream {
                            events: Box::new(EventStream::new(response, idle)),
                            told: false,
                            broken,
                            _place: place,
                        }
                    }
                    Err(error) if means_no_stream(&error) => {
                        tracing::debug!(%error, "no status stream, polling");
                        Source::Poll { pause: Duration::ZERO }
                    }
                    Err(error) => return Err(error),
                };
                Ok(None)
            }
            Source::Stream { events, told, broken, .. } => match events.next().await {
                Ok(Some(data)) => {
                    // What is no status is passed over, as an event of a kind to come.
                    let Some(mut update) = QueueUpdate::read(&data) else { return Ok(None) };
                    if let Some(lines) = update.logs_mut().filter(|lines| !lines.is_empty()) {
                        // A stream tells what is new, but the first lines of one that follows another may be old.
                        if std::mem::replace(told, true) {
                            self.cursor.note(lines);
                        } else {
                            *lines = self.cursor.after_overlap(std::mem::take(lines));
                        }
                    }
                    *broken = 0;
                    Ok(Some(update))
                }
                ended => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "the status stream broke");
                    }
                    let broken = *broken + 1;
                    self.source = if broken > PATIENCE {
                        Source::Poll { pause: Duration::ZERO }
                    } else {
                        Source::Idle { broken }
                    };
                    Ok(None)
                }
            },
            Source::Poll { pause } => {
                tokio::time::sleep(*pause).await;
                *pause = if pause.is_zero() { FIRST_PAUSE } else { pause.mul_f64(1.5).min(LONGEST_PAUSE) };
                let request = self.target.status(self.logs)?;
                let mut update = read(send(self.target.client.shared(), &request).await?)?;
                if let Some(lines) = update.logs_mut() {
                    *lines = self.cursor.after_overlap(std::mem::take(lines));
                }
                Ok(Some(update))
            }
        }
    }
}

/// Reads the answer to a status request.
pub(crate) fn read(answer: Answer) -> Result<QueueUpdate, Error> {
    QueueUpdate::read(&answer.body)
        .ok_or_else(|| Error::unexpected("fal answered a status request with something that is no status", answer))
}

/// Whether the service has no stream to offer although the request may be fine.
fn means_no_stream(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Service => error.status().is_some_and(|status| !matches!(status.as_u16(), 401 | 403)),
        ErrorKind::UntrustedUrl | ErrorKind::Credentials | ErrorKind::Connect => false,
        _ => true,
    }
}

/// What of an update says whether the next one differs.
fn without_logs(update: &QueueUpdate) -> QueueUpdate {
    let mut update = update.clone();
    if let Some(lines) = update.logs_mut() {
        lines.clear();
    }
    update
}
