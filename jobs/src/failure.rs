use std::fmt;

use fal_client::serde_json::Value;
use serde::{Deserialize, Serialize};

/// The error of a failed job, as the journal keeps it.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
/// use fal_jobs::FailureKind;
///
/// if let Some(failure) = journal.get("hero-image").await?.and_then(|job| job.failure()) {
///     println!("{failure}"); // its message
///     assert_ne!(failure.kind, FailureKind::Cancelled);
/// }
/// # Ok(())
/// # }
/// ```
///
/// It never contains the prompt, the payload or a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// The category.
    pub kind: FailureKind,
    /// The message of the error.
    pub message: String,
    /// The HTTP status of fal's response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// fal's type of the error, such as `content_policy_violation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// The request id, if fal has accepted the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// False if fal surely has not billed the job: it did not accept the submission, or removed the request from the queue
    /// before it ran, or failed itself (5xx) without billed units. fal may bill other failures, such as 422 (fal's
    /// documentation of its queue).
    pub may_be_billed: bool,
}

/// Categories of failures.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// use fal_jobs::FailureKind;
///
/// let flux = client.endpoint("fal-ai/flux/dev");
/// let call = journal.run(&flux, serde_json::json!({ "prompt": "a fox" })).key("hero-image");
/// if let Err(error) = call.await {
///     match error.failure().map(|failure| failure.kind) {
///         Some(FailureKind::Expired) => println!("the result is gone: {error}"),
///         Some(_) => println!("it failed for good: {error}"),
///         None => println!("run it again: {error}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// fal rejected the submission.
    Rejected,
    /// The model or the platform failed the request.
    Failed,
    /// The request was cancelled.
    Cancelled,
    /// fal does not know the request any more, or never did. Its result may have expired.
    Expired,
    /// A kind that this version does not know.
    #[serde(other)]
    Other,
}

/// Writes the message.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    /// Creates the failure of a client's error. `input` is the input that its message must not repeat.
    pub(crate) fn new(kind: FailureKind, error: &fal_client::Error, input: &str) -> Self {
        let status = error.status().map(|status| status.as_u16());
        let is_unbilled = match kind {
            FailureKind::Rejected => true,
            FailureKind::Failed | FailureKind::Cancelled => {
                status.is_some_and(|status| status >= 500) && !has_units(error)
            }
            FailureKind::Expired | FailureKind::Other => false,
        };
        Failure {
            kind,
            message: without_texts(error.to_string(), input),
            status,
            error_type: error.error_type().map(|error_type| error_type.as_str().to_owned()),
            request_id: error.request_id().map(str::to_owned),
            may_be_billed: !is_unbilled,
        }
    }

    /// Creates the failure of a job that was cancelled before fal ran it.
    pub(crate) fn cancelled(message: &str, request_id: Option<&str>) -> Self {
        Failure {
            kind: FailureKind::Cancelled,
            message: message.to_owned(),
            status: None,
            error_type: None,
            request_id: request_id.map(str::to_owned),
            may_be_billed: false,
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a recorded failure. Text that is not one is its message.
    pub(crate) fn from_json(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_else(|_| Failure {
            kind: FailureKind::Other,
            message: json.to_owned(),
            status: None,
            error_type: None,
            request_id: None,
            may_be_billed: true,
        })
    }
}

/// Returns true if an error response has billed units.
fn has_units(error: &fal_client::Error) -> bool {
    let units = error.headers().and_then(|headers| headers.get("x-fal-billable-units"));
    units.is_some_and(|units| units.to_str().ok().and_then(|units| units.trim().parse().ok()) != Some(0.0))
}

/// Removes the texts of several words in an input, such as the prompt, from a message.
pub(crate) fn without_texts(mut message: String, input: &str) -> String {
    let mut values: Vec<Value> = serde_json::from_str(input).into_iter().collect();
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) if text.trim().contains(char::is_whitespace) => {
                message = message.replace(text.trim(), "…");
            }
            Value::Array(items) => values.extend(items),
            Value::Object(fields) => values.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    message
}
