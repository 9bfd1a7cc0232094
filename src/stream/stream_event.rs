use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::event_data::EventData;
use super::workflow_event::WorkflowEvent;
use crate::media::{self, Media, MediaFile};
use crate::text::{Redacted, shown};

/// An event of an output stream.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let event = client.endpoint("fal-ai/any-llm").stream(serde_json::json!({ "prompt": "Hello" })).finish().await?;
/// println!("{:?} of request {:?}", event.output(), event.request_id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct StreamEvent<O> {
    /// The data.
    pub data: EventData<O>,
    /// The name of the event (`event`). Default: `message`.
    pub name: Cow<'static, str>,
    /// The id that the stream has set last (`id`), with this event or before it.
    pub id: Option<Arc<str>>,
    /// The data as the service sent it. Bytes that are not UTF-8 are replaced in a stream of events.
    pub raw: Bytes,
    /// The request id (`x-fal-request-id`), if the response has one.
    pub request_id: Option<Arc<str>>,
    pub(super) missing: Vec<String>,
    pub(super) skipped: Vec<String>,
}

impl<O> StreamEvent<O> {
    /// Returns the output, also that of a whole workflow. `None` if the event has other data.
    pub fn output(&self) -> Option<&O> {
        match &self.data {
            EventData::Output(output) | EventData::Workflow(WorkflowEvent::Output(output)) => Some(output),
            _ => None,
        }
    }

    /// Returns the output, also that of a whole workflow. `None` if the event has other data.
    pub fn into_output(self) -> Option<O> {
        match self.data {
            EventData::Output(output) | EventData::Workflow(WorkflowEvent::Output(output)) => Some(output),
            _ => None,
        }
    }

    /// Returns the paths of the required fields that the output does not have. An unfinished output often lacks some. See
    /// [`Response::missing`](crate::Response::missing).
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Returns the paths of the values that do not fit their field. See [`Response::skipped`](crate::Response::skipped).
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }
}

impl<O: Media> StreamEvent<O> {
    /// Returns every file of the output. Empty if the event has other data. See [`Response::media`](crate::Response::media).
    pub fn media(&self) -> Vec<MediaFile> {
        self.output().map(|output| media::files(output, &self.skipped)).unwrap_or_default()
    }
}

/// Shows the length of the raw data only, because `data` has its contents.
impl<O: fmt::Debug> fmt::Debug for StreamEvent<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamEvent")
            .field("data", &Redacted(&self.data))
            .field("name", &shown(&self.name))
            .field("id", &self.id.as_deref().map(shown))
            .field("raw", &format_args!("{} bytes", self.raw.len()))
            .field("request_id", &self.request_id.as_deref().map(shown))
            .field("missing", &Redacted(&self.missing))
            .field("skipped", &Redacted(&self.skipped))
            .finish()
    }
}
