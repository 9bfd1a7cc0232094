use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::sync::OwnedSemaphorePermit;

use super::event_data::EventData;
use super::head::Head;
use super::reading::{Read, read};
use super::stream_event::StreamEvent;
use crate::error::{Error, ErrorKind};
use crate::protocol::{envelope, json};
use crate::transport::{Chunks, EventStream};

/// The name of events that the stream does not name.
const UNNAMED: &str = "message";

/// The data that ends a stream, although it is not JSON (the protocol of OpenAI).
const DONE: &str = "[DONE]";

/// The body of a stream's response.
pub(crate) struct Body {
    source: Source,
    /// The input. Errors of the model may repeat it.
    input: Bytes,
    /// Held until the stream ends, if the client limits its requests in flight.
    _turn: Option<OwnedSemaphorePermit>,
}

/// The form of a body.
pub(crate) enum Source {
    Events(EventStream),
    /// A single output, until it is delivered.
    Json(Option<Bytes>),
    Binary(Chunks),
}

impl Body {
    pub(crate) fn new(source: Source, input: Bytes, turn: Option<OwnedSemaphorePermit>) -> Self {
        Body { source, input, _turn: turn }
    }

    /// Returns the next event, or `None` at the end of the stream.
    pub(crate) fn poll_next<O: DeserializeOwned + 'static>(
        &mut self,
        head: &Head,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<StreamEvent<O>>, Error>> {
        let unnamed = Cow::Borrowed(UNNAMED);
        Poll::Ready(match &mut self.source {
            Source::Events(events) => {
                let Some(message) = ready!(events.poll_next(context))? else { return Poll::Ready(Ok(None)) };
                if message.data.trim() == DONE {
                    return Poll::Ready(Ok(None));
                }
                let read = read(&message.event, &message.data);
                let data = Bytes::from(message.data);
                match read {
                    // Some connections do not show that they were lost.
                    Some(Read { data: EventData::Text(text), .. }) if events.has_ended() && is_begun_json(&text) => {
                        Err(Error::new(ErrorKind::Transport, "the stream ended within an event"))
                    }
                    Some(read) => Ok(Some(event(head, message.event, message.last_event_id, data, read))),
                    None => Err(self.error(head, data)),
                }
            }
            Source::Json(data) => {
                let Some(data) = data.take() else { return Poll::Ready(Ok(None)) };
                if envelope::is_envelope(&data) {
                    return Poll::Ready(Err(self.error(head, data)));
                }
                match read(UNNAMED, &String::from_utf8_lossy(&data)) {
                    Some(Read { data: EventData::Text(_), .. }) => {
                        Err(Error::unexpected("unexpected response to the stream request", head.with_body(data)))
                    }
                    Some(read) => Ok(Some(event(head, unnamed, None, data, read))),
                    None => Err(self.error(head, data)),
                }
            }
            Source::Binary(chunks) => {
                let chunk = ready!(chunks.poll_next(context))?;
                Ok(chunk.map(|chunk| event(head, unnamed, None, chunk.clone(), EventData::Binary(chunk).into())))
            }
        })
    }

    /// Creates the error of an error event.
    fn error(&self, head: &Head, data: Bytes) -> Error {
        Error::event(head.with_body(data)).without_echo(&self.input)
    }
}

fn event<O>(head: &Head, name: Cow<'static, str>, id: Option<Arc<str>>, raw: Bytes, read: Read<O>) -> StreamEvent<O> {
    let Read { data, missing, skipped } = read;
    StreamEvent { data, name, id, raw, request_id: head.request_id.clone(), missing, skipped }
}

/// Returns true for the beginning of JSON. Other texts may begin with a bracket, too.
fn is_begun_json(text: &str) -> bool {
    let begins = text.trim_start().starts_with(['{', '[', '"']);
    begins && json::from_slice::<IgnoredAny>(text.as_bytes()).is_err_and(|error| error.is_eof())
}
