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
        match answer {
            Ok(answer) => match word(&answer) {
                Some(known) => Ok(known),
                // Older documents of fal promise an object without the word.
                None if answer.body.is_empty() || is_object(&answer) => Ok(Cancellation::Requested),
                None => {
                    let message = "fal answered the wish to cancel with something that is no answer to it";
                    Err(Error::unexpected(message, answer))
                }
            },
            Err(error) => match error.answer().and_then(word) {
                Some(known @ (Cancellation::AlreadyCompleted | Cancellation::NotFound)) => Ok(known),
                _ => Err(error),
            },
        }
    }
}

fn is_object(answer: &Answer) -> bool {
    serde_json::from_slice::<Value>(&answer.body).is_ok_and(|body| body.is_object())
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
