use std::fmt;

use serde_json::Value;

use super::json;
use super::raw_response::RawResponse;
use crate::text::shown;

/// The outcome of a cancel request. No outcome says anything about charges.
///
/// ```no_run
/// use fal_client::Cancellation;
///
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// match client.endpoint("fal-ai/flux/dev").cancel("REQUEST-ID").await? {
///     Cancellation::Removed => println!("removed from the queue"),
///     Cancellation::AlreadyCompleted => println!("the result can be fetched"),
///     other => println!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancellation {
    /// The request was still waiting. fal removed it from the queue.
    Removed,
    /// The request is running, and fal asked the model to stop. A model that ignores this runs to its end, and its
    /// result is available as usual.
    Requested,
    /// The request had already completed.
    AlreadyCompleted,
    /// fal does not know the request.
    NotFound,
    /// An outcome that this version does not know.
    Other(String),
}

impl Cancellation {
    /// Parses the outcome from the body's `status`. The HTTP status does not matter.
    pub(crate) fn parse(response: &RawResponse) -> Option<Self> {
        let body: Value = json::from_slice(&response.body).ok()?;
        let written = body.get("status")?.as_str()?.trim();
        Some(match written.to_ascii_uppercase().as_str() {
            "OK" => Cancellation::Removed,
            "CANCELLATION_REQUESTED" => Cancellation::Requested,
            "ALREADY_COMPLETED" => Cancellation::AlreadyCompleted,
            "NOT_FOUND" => Cancellation::NotFound,
            _ => Cancellation::Other(written.to_owned()),
        })
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cancellation::Removed => f.write_str("Removed"),
            Cancellation::Requested => f.write_str("Requested"),
            Cancellation::AlreadyCompleted => f.write_str("AlreadyCompleted"),
            Cancellation::NotFound => f.write_str("NotFound"),
            Cancellation::Other(status) => f.debug_tuple("Other").field(&shown(status)).finish(),
        }
    }
}
