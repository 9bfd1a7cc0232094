use serde_json::Value;

use crate::Error;
use crate::error::Answer;

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
    /// Reads the answer, in which the word counts and not the HTTP status.
    pub(crate) fn read(answer: Result<Answer, Error>) -> Result<Self, Error> {
        let error = match &answer {
            Ok(answer) => return Ok(word(answer).unwrap_or(Cancellation::Requested)),
            Err(error) => error,
        };
        match error.answer().and_then(word) {
            Some(known @ (Cancellation::AlreadyCompleted | Cancellation::NotFound)) => Ok(known),
            _ => answer.map(|_| Cancellation::Requested),
        }
    }
}

fn word(answer: &Answer) -> Option<Cancellation> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    Some(match body.get("status")?.as_str()? {
        "OK" => Cancellation::Removed,
        "CANCELLATION_REQUESTED" => Cancellation::Requested,
        "ALREADY_COMPLETED" => Cancellation::AlreadyCompleted,
        "NOT_FOUND" => Cancellation::NotFound,
        other => Cancellation::Other(other.to_owned()),
    })
}
