use serde_json::Value;

use super::raw_response::RawResponse;

/// What came of asking fal to cancel a request. None of it says anything about charges.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancellation {
    /// It was still waiting and is out of the queue.
    Removed,
    /// fal will try. A model that does not listen runs to its end, and the result is there as if nothing had been asked.
    Requested,
    /// It was completed before.
    AlreadyCompleted,
    /// fal knows no such request.
    NotFound,
    /// An answer that this version does not know.
    Other(String),
}

impl Cancellation {
    /// The outcome that the body's `status` names, whatever the HTTP status is.
    pub(crate) fn parse(response: &RawResponse) -> Option<Self> {
        let body: Value = serde_json::from_slice(&response.body).ok()?;
        Some(match body.get("status")?.as_str()? {
            "OK" => Cancellation::Removed,
            "CANCELLATION_REQUESTED" => Cancellation::Requested,
            "ALREADY_COMPLETED" => Cancellation::AlreadyCompleted,
            "NOT_FOUND" => Cancellation::NotFound,
            other => Cancellation::Other(other.to_owned()),
        })
    }
}
