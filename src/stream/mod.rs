//! Output streams: the outputs of a model as it makes them.

mod body;
mod event_data;
mod head;
mod opening;
mod output_stream;
mod reading;
mod stream_event;
mod workflow_event;

#[cfg(fuzzing)]
pub(crate) use body::{Body, Source};
pub use event_data::EventData;
#[cfg(fuzzing)]
pub(crate) use head::Head;
pub use output_stream::OutputStream;
pub use stream_event::StreamEvent;
pub use workflow_event::WorkflowEvent;
