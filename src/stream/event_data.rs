use bytes::Bytes;
use serde_json::Value;

use super::workflow_event::WorkflowEvent;

/// The data of an event of an output stream.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::{EventData, WorkflowEvent};
/// use futures_util::TryStreamExt;
///
/// let mut events = client.endpoint("workflows/me/portrait").stream(serde_json::json!({ "prompt": "a fox" }));
/// while let Some(event) = events.try_next().await? {
///     match event.data {
///         EventData::Workflow(WorkflowEvent::Submit { node_id, .. }) => println!("{node_id} was submitted"),
///         EventData::Workflow(WorkflowEvent::Output(output)) | EventData::Output(output) => println!("{output}"),
///         other => println!("{other:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventData<O> {
    /// An output, or a part of it. An untyped output is any JSON, including `null`, `false` and `0`.
    Output(O),
    /// An event of a workflow.
    Workflow(WorkflowEvent<O>),
    /// JSON that is not an output of the type.
    Json(Value),
    /// A text that is not JSON.
    Text(String),
    /// A chunk of a response that is neither events nor JSON, such as audio. Where a chunk ends has no meaning.
    Binary(Bytes),
}
