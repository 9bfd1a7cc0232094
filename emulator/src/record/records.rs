//! The files of a folder of records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the format.
pub(crate) const VERSION: u32 = 1;

/// The content of a file: a request with its response, or the statuses of a job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<RecordedRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<RecordedResponse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<RecordedJob>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedRequest {
    pub(crate) method: String,
    /// The URL at the real fal, without secrets.
    pub(crate) url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<RecordedBody>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedResponse {
    pub(crate) status: u16,
    /// The time after the request, or for a status after the submission.
    #[serde(default)]
    pub(crate) after_ms: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<RecordedBody>,
}

/// A body, in the most readable form that keeps its bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordedBody {
    /// JSON, with its whitespace.
    Json(Box<RawValue>),
    Text(String),
    File(RecordedFile),
    /// Server-sent events.
    Events(Vec<RecordedEvent>),
}

/// A body in a file of its own, in the subfolder `files`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedFile {
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) size: u64,
}

/// An event, with the blank line after it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedEvent {
    /// The time after the request, or for a status after the submission.
    #[serde(default)]
    pub(crate) after_ms: u64,
    /// The data of an event that has nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Box<RawValue>>,
    /// Any other event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

/// The statuses of a job. Each differs from the one before it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedJob {
    /// The URL of the job, to which `/status` is added.
    pub(crate) url: String,
    /// The time after the submission at which the client cancelled the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cancelled_after_ms: Option<u64>,
    /// Those that were polled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) statuses: Vec<RecordedResponse>,
    /// Those that were streamed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) events: Vec<RecordedEvent>,
}

impl RecordedBody {
    /// Returns the text of a body that is not in a file.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            RecordedBody::Json(json) => Some(json.get()),
            RecordedBody::Text(text) => Some(text),
            RecordedBody::File(_) | RecordedBody::Events(_) => None,
        }
    }

    /// Makes a body of a text.
    pub(crate) fn of_text(text: String) -> Self {
        match RawValue::from_string(text.clone()) {
            Ok(json) => RecordedBody::Json(json),
            Err(_) => RecordedBody::Text(text),
        }
    }
}

impl RecordedEvent {
    pub(crate) fn new(after_ms: u64, text: String) -> Self {
        let data = text.strip_prefix("data: ").and_then(|text| text.strip_suffix("\n\n"));
        let is_line = |data: &&str| !data.contains(['\n', '\r']) && *data == data.trim();
        match data.filter(is_line).and_then(|data| RawValue::from_string(data.to_owned()).ok()) {
            Some(data) => RecordedEvent { after_ms, data: Some(data), text: None },
            None => RecordedEvent { after_ms, data: None, text: Some(text) },
        }
    }

    /// Returns the event as it is sent.
    pub(crate) fn text(&self) -> String {
        match (&self.text, &self.data) {
            (Some(text), _) => text.clone(),
            // An editor may have spread the data over several lines.
            (None, Some(data)) => format!("data: {}\n\n", data.get().replace('\n', "\ndata: ")),
            (None, None) => String::new(),
        }
    }
}
