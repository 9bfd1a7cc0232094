use std::fmt;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::error_type::ErrorType;
use super::log::LogEntry;
use super::{envelope, json};
use crate::text::{Redacted, shown, within};

/// Maximum characters of a failure's message in `Debug` output.
const MAX_MESSAGE: usize = 1000;

/// The status of a queued request.
///
/// ```
/// use fal_client::QueueUpdate;
///
/// fn show(update: &QueueUpdate) {
///     match update {
///         QueueUpdate::InQueue { position, .. } => println!("{position:?} requests are ahead"),
///         QueueUpdate::InProgress { logs, .. } => logs.iter().for_each(|log| println!("{}", log.message)),
///         QueueUpdate::Completed { metrics, .. } => println!("done in {:?} s", metrics.inference_time),
///         _ => {}
///     }
/// }
/// # fn main() -> serde_json::Result<()> {
/// show(&serde_json::from_str(r#"{ "status": "IN_QUEUE", "queue_position": 3 }"#)?);
/// # Ok(())
/// # }
/// ```
///
/// Its JSON form is fal's.
///
/// In the updates of `subscribe` and `wait`, `logs` has the lines since the previous update. In the response of
/// `status`, it has all lines so far. It is empty unless the call sets `logs(true)`.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum QueueUpdate {
    /// The request is waiting in the queue.
    #[non_exhaustive]
    InQueue {
        /// The number of requests ahead of this one.
        position: Option<u64>,
        /// The model's log lines from an earlier attempt: a request that fal retries returns to the queue.
        logs: Vec<LogEntry>,
    },
    /// The request is running.
    #[non_exhaustive]
    InProgress {
        /// The model's log lines.
        logs: Vec<LogEntry>,
    },
    /// The request succeeded, failed or was cancelled.
    #[non_exhaustive]
    Completed {
        /// The model's log lines.
        logs: Vec<LogEntry>,
        /// The measurements of the run.
        metrics: Metrics,
        /// The failure, if the request has no output.
        failure: Option<Failure>,
    },
    /// A status that this version does not know. The client treats the request as unfinished.
    #[non_exhaustive]
    Other {
        /// The status as the service wrote it.
        status: String,
        /// The model's log lines.
        logs: Vec<LogEntry>,
    },
}

/// Measurements of a run.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// The time the model took, in seconds.
    pub inference_time: Option<f64>,
    /// All measurements, including undeclared ones.
    pub all: Map<String, Value>,
}

/// The reason why a completed request has no output. Fetching the result returns the full error.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The service's message. May be empty.
    pub error: String,
    /// The error type.
    pub error_type: Option<ErrorType>,
}

/// The fields of a status that decide how the request continues. The others are skipped, however deeply they are nested.
#[derive(Deserialize)]
struct Essentials {
    status: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    error_type: Value,
}

impl QueueUpdate {
    /// Parses a status. Only the field `status` is required. Logs and metrics that cannot be read do not matter.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let fields = json::from_slice(body).or_else(|_| {
            let Essentials { status, error, error_type } = json::from_slice(body)?;
            let fields = [("status", status), ("error", error), ("error_type", error_type)];
            Ok::<_, serde_json::Error>(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        });
        QueueUpdate::from_fields(&fields.ok()?)
    }

    fn from_fields(status: &Map<String, Value>) -> Option<Self> {
        let logs = || -> Vec<LogEntry> {
            let lines = status.get("logs").and_then(Value::as_array);
            lines.into_iter().flatten().filter(|line| !line.is_null()).map(LogEntry::parse).collect()
        };
        let written = status.get("status")?.as_str()?.trim();
        Some(match written.to_ascii_uppercase().as_str() {
            "" => return None,
            "IN_QUEUE" => {
                let position = status.get("queue_position").and_then(Value::as_u64);
                QueueUpdate::InQueue { position, logs: logs() }
            }
            "IN_PROGRESS" => QueueUpdate::InProgress { logs: logs() },
            "COMPLETED" => QueueUpdate::Completed {
                logs: logs(),
                metrics: Metrics::parse(status.get("metrics")),
                failure: Failure::parse(status),
            },
            _ => QueueUpdate::Other { status: written.to_owned(), logs: logs() },
        })
    }

    /// Returns true if the request is completed. Failed and cancelled requests are completed, too.
    pub fn is_completed(&self) -> bool {
        matches!(self, QueueUpdate::Completed { .. })
    }

    /// Returns the failure of a request that is completed without an output.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            QueueUpdate::Completed { failure, .. } => failure.as_ref(),
            _ => None,
        }
    }

    /// The value of `status` in fal's JSON.
    pub(crate) fn status(&self) -> &str {
        match self {
            QueueUpdate::InQueue { .. } => "IN_QUEUE",
            QueueUpdate::InProgress { .. } => "IN_PROGRESS",
            QueueUpdate::Completed { .. } => "COMPLETED",
            QueueUpdate::Other { status, .. } => status,
        }
    }

    /// Returns the log lines.
    pub fn logs(&self) -> &[LogEntry] {
        match self {
            QueueUpdate::InQueue { logs, .. }
            | QueueUpdate::InProgress { logs }
            | QueueUpdate::Completed { logs, .. }
            | QueueUpdate::Other { logs, .. } => logs,
        }
    }

    pub(crate) fn logs_mut(&mut self) -> &mut Vec<LogEntry> {
        match self {
            QueueUpdate::InQueue { logs, .. }
            | QueueUpdate::InProgress { logs }
            | QueueUpdate::Completed { logs, .. }
            | QueueUpdate::Other { logs, .. } => logs,
        }
    }
}

impl fmt::Debug for QueueUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueueUpdate::InQueue { position, logs } => {
                f.debug_struct("InQueue").field("position", position).field("logs", logs).finish()
            }
            QueueUpdate::InProgress { logs } => f.debug_struct("InProgress").field("logs", logs).finish(),
            QueueUpdate::Completed { logs, metrics, failure } => {
                let mut completed = f.debug_struct("Completed");
                completed.field("logs", logs).field("metrics", metrics).field("failure", failure).finish()
            }
            QueueUpdate::Other { status, logs } => {
                f.debug_struct("Other").field("status", &shown(status)).field("logs", logs).finish()
            }
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut metrics = f.debug_struct("Metrics");
        metrics.field("inference_time", &self.inference_time).field("all", &Redacted(&self.all)).finish()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut failure = f.debug_struct("Failure");
        failure.field("error", &within(&self.error, MAX_MESSAGE)).field("error_type", &self.error_type).finish()
    }
}

impl<'de> Deserialize<'de> for QueueUpdate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let status = Map::deserialize(deserializer)?;
        QueueUpdate::from_fields(&status).ok_or_else(|| D::Error::custom("missing field `status`: expected a string"))
    }
}

impl Serialize for QueueUpdate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut status = serializer.serialize_map(None)?;
        status.serialize_entry("status", self.status())?;
        if let QueueUpdate::InQueue { position, .. } = self {
            status.serialize_entry("queue_position", position)?;
        }
        status.serialize_entry("logs", self.logs())?;
        if let QueueUpdate::Completed { metrics, failure, .. } = self {
            status.serialize_entry("metrics", &metrics.all)?;
            if let Some(failure) = failure {
                status.serialize_entry("error", &failure.error)?;
                status.serialize_entry("error_type", &failure.error_type.as_ref().map(ErrorType::as_str))?;
            }
        }
        status.end()
    }
}

impl Metrics {
    fn parse(value: Option<&Value>) -> Self {
        let all = value.and_then(Value::as_object).cloned().unwrap_or_default();
        Metrics { inference_time: all.get("inference_time").and_then(Value::as_f64), all }
    }
}

impl Failure {
    fn parse(status: &Map<String, Value>) -> Option<Self> {
        let error_type = status.get("error_type").and_then(Value::as_str).filter(|error_type| !error_type.is_empty());
        // Some services write an empty error into a success.
        let error = match status.get("error").filter(|error| envelope::says(error)) {
            None if error_type.is_none() => return None,
            None => String::new(),
            Some(Value::String(error)) => error.clone(),
            Some(other) => other.to_string(),
        };
        Some(Failure { error, error_type: error_type.map(ErrorType::other) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<QueueUpdate> {
        QueueUpdate::parse(text.as_bytes())
    }

    #[test]
    fn optional_fields_may_be_missing() {
        assert_eq!(
            parse(r#"{"status":"IN_QUEUE","queue_position":123,"response_url":null}"#),
            Some(QueueUpdate::InQueue { position: Some(123), logs: vec![] })
        );
        assert_eq!(parse(r#"{"status":"IN_QUEUE"}"#), Some(QueueUpdate::InQueue { position: None, logs: vec![] }));
        assert_eq!(parse(r#"{"status":"IN_PROGRESS","logs":null}"#), Some(QueueUpdate::InProgress { logs: vec![] }));
        let logs = parse(r#"{"status":"IN_PROGRESS","logs":[{"message":"a"},{"message":"b"}]}"#);
        assert_eq!(logs.map(|update| update.logs().len()), Some(2));
        let odd = r#"{"status":"PAUSED","logs":{}}"#;
        assert_eq!(parse(odd), Some(QueueUpdate::Other { status: "PAUSED".into(), logs: vec![] }));
        for bad in
            ["", "[]", "{}", "null", r#"{"status":3}"#, r#"{"status":" "}"#, r#"{"status":"COMPLETED""#, "not json"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_word_is_needed() {
        let deep = format!(r#"{{"logs":[{}{}],"status":"COMPLETED"}}"#, "[".repeat(1_000), "]".repeat(1_000));
        for text in [
            &deep,
            r#"{"status":"completed"}"#,
            r#"{"status":" COMPLETED\n"}"#,
            r#"{"status":"COMPLETED","metrics":{"inference_time":NaN},"logs":[{"message":"\ud83e"}]}"#,
            r#"{"status":"COMPLETED","metrics":[1],"logs":"none","queue_position":{}}"#,
            r#"{"status":"COMPLETED","error":"","error_type":null}"#,
            r#"{"status":"COMPLETED","metrics":{"inference_time":1e400},"logs":[null,7,{"message":null}]}"#,
        ] {
            assert!(parse(text).is_some_and(|update| update.is_completed()), "{text}");
        }
        for empty in ["\"\"", "null", "false", "{}", "[]"] {
            let text = format!(r#"{{"status":"COMPLETED","error":{empty},"error_type":""}}"#);
            assert_eq!(parse(&text).expect("a status").failure(), None, "{text}");
        }
        let bytes = b"{\"status\":\"COMPLETED\",\"logs\":[{\"message\":\"\xff\x1b[1m\"}]}";
        let update = QueueUpdate::parse(bytes).expect("a status");
        assert_eq!(update.logs()[0].message, "\u{fffd}\u{1b}[1m");
        let deep = deep.replace("COMPLETED\"", "COMPLETED\",\"error\":\"gone\"");
        assert_eq!(parse(&deep).expect("a status").failure().map(|failure| &*failure.error), Some("gone"));
    }

    #[test]
    fn serialized_statuses_parse_to_the_same_update() {
        for text in [
            r#"{"status":"IN_QUEUE","queue_position":3,"logs":[]}"#,
            r#"{"status":"IN_QUEUE"}"#,
            r#"{"status":"IN_PROGRESS","logs":[{"message":"a","timestamp":"t","level":"INFO","source":"USER"},"bare"]}"#,
            r#"{"status":"COMPLETED","metrics":{"inference_time":3.5,"x":[1]}}"#,
            r#"{"status":"COMPLETED","error":"e","error_type":"request_timeout"}"#,
            r#"{"status":"COMPLETED","error":""}"#,
            r#"{"status":"PAUSED"}"#,
        ] {
            let update = parse(text).expect(text);
            let written = serde_json::to_string(&update).expect("JSON");
            assert_eq!(serde_json::from_str::<QueueUpdate>(&written).expect("a status"), update, "{written}");
        }
        let error = serde_json::from_str::<QueueUpdate>(r#"{"state":"IN_QUEUE"}"#).expect_err("no status");
        assert!(error.to_string().contains("`status`"), "{error}");
    }

    #[test]
    fn completed_has_metrics_and_failure() {
        let Some(QueueUpdate::Completed { metrics, failure, .. }) =
            parse(r#"{"status":"COMPLETED","metrics":{"inference_time":3.5,"x":1}}"#)
        else {
            panic!("completed")
        };
        assert_eq!((metrics.inference_time, metrics.all.len(), failure), (Some(3.5), 2, None));
        let Some(QueueUpdate::Completed { metrics, failure: Some(failure), .. }) = parse(
            r#"{"status":"COMPLETED","metrics":{"inference_time":null},"error":"e","error_type":"request_timeout"}"#,
        ) else {
            panic!("failed")
        };
        assert_eq!(metrics.inference_time, None);
        assert_eq!((failure.error.as_str(), failure.error_type), ("e", Some(ErrorType::RequestTimeout)));
    }
}
