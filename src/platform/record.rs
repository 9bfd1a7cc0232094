use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Hidden;
use super::fields::Fields;
use super::list::{Item, Listed};
use super::timestamp::Timestamp;

/// A request of the account's history. Returned by [`Platform::requests`](super::Platform::requests) and
/// [`Platform::search_requests`](super::Platform::search_requests). `Debug` does not show its payloads.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The request id.
    pub request_id: String,
    /// The endpoint id. Empty if fal did not send it.
    pub endpoint_id: String,
    /// Time when the request was sent to the model.
    pub sent_at: Option<Timestamp>,
    /// Time when its processing began.
    pub started_at: Option<Timestamp>,
    /// Time when its processing ended. `None` while the request runs.
    pub ended_at: Option<Timestamp>,
    /// The HTTP status of the result. `None` while the request runs.
    pub status_code: Option<u16>,
    /// The total duration in seconds.
    pub duration: Option<f64>,
    /// The input. `None` if fal did not store it. [`Requests`](super::Requests) need [`payloads`](super::Requests::payloads).
    #[serde(rename = "json_input")]
    pub input: Option<Value>,
    /// The output. `None` if fal did not store it. [`Requests`](super::Requests) need [`payloads`](super::Requests::payloads).
    #[serde(rename = "json_output")]
    pub output: Option<Value>,
    /// The similarity to the words or the picture of a search, from 0 to 1.
    pub similarity: Option<f64>,
}

/// The outcome of a [`RequestRecord`].
#[fal_client::open_enum]
pub enum RequestStatus {
    /// The request succeeded (2xx).
    #[value("success")]
    Success,
    /// The service failed (5xx).
    #[value("error")]
    Error,
    /// The request was rejected, for example because of its input (4xx).
    #[value("user_error")]
    UserError,
}

impl RequestRecord {
    /// Returns the outcome. `None` while the request runs.
    pub fn status(&self) -> Option<RequestStatus> {
        match self.status_code? {
            200..=299 => Some(RequestStatus::Success),
            400..=499 => Some(RequestStatus::UserError),
            500..=599 => Some(RequestStatus::Error),
            _ => None,
        }
    }

    fn read(fields: Fields<'_>) -> Option<Self> {
        Some(RequestRecord {
            request_id: fields.text("request_id")?,
            endpoint_id: fields.text("endpoint_id").unwrap_or_default(),
            sent_at: fields.time("sent_at"),
            started_at: fields.time("started_at"),
            ended_at: fields.time("ended_at"),
            status_code: status_code(&fields),
            duration: fields.number("duration"),
            input: fields.json("json_input"),
            output: fields.json("json_output"),
            similarity: fields.number("similarity"),
        })
    }
}

fn status_code(fields: &Fields<'_>) -> Option<u16> {
    let status = fields.number("status_code").filter(|status| (100.0..=999.0).contains(status));
    status.map(|status| status as u16)
}

impl Item for RequestRecord {
    /// The two lists of requests have different names.
    fn listed(response: &Fields<'_>) -> Option<Listed<Self>> {
        let list = |name| Listed::read(response, name, RequestRecord::read);
        list("items").or_else(|| list("results"))
    }

    fn endpoint_id(&self) -> &str {
        &self.endpoint_id
    }
}

impl fmt::Debug for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestRecord")
            .field("request_id", &self.request_id)
            .field("endpoint_id", &self.endpoint_id)
            .field("sent_at", &self.sent_at)
            .field("started_at", &self.started_at)
            .field("ended_at", &self.ended_at)
            .field("status_code", &self.status_code)
            .field("duration", &self.duration)
            .field("input", &Hidden(&self.input))
            .field("output", &Hidden(&self.output))
            .finish_non_exhaustive()
    }
}
