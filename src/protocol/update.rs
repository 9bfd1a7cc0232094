use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::error_type::ErrorType;
use super::log::LogEntry;

/// Where a queued request stands.
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
/// As JSON it has the form that fal gives it.
///
/// In the updates of a call that goes on (`subscribe`, `wait`), `logs` are the lines since the update before; in the
/// answer of a single `status` they are all lines so far. There are none unless they are asked for with `logs(true)`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum QueueUpdate {
    /// It waits.
    #[non_exhaustive]
    InQueue {
        /// How many requests are ahead of it.
        position: Option<u64>,
        /// What the model logged before: a request that fal repeats waits once more.
        logs: Vec<LogEntry>,
    },
    /// It runs.
    #[non_exhaustive]
    InProgress {
        /// What the model logged.
        logs: Vec<LogEntry>,
    },
    /// It is over: it succeeded, failed or was cancelled.
    #[non_exhaustive]
    Completed {
        /// What the model logged.
        logs: Vec<LogEntry>,
        /// What was measured.
        metrics: Metrics,
        /// Why there is no output, if there is none.
        failure: Option<Failure>,
    },
    /// A state that this version does not know. The request is taken to be under way.
    #[non_exhaustive]
    Other {
        /// The service's word for it.
        status: String,
        /// What the model logged.
        logs: Vec<LogEntry>,
    },
}

/// What the service measured of a run.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// How long the model worked, in seconds.
    pub inference_time: Option<f64>,
    /// Everything that was measured, as it came.
    pub all: Map<String, Value>,
}

/// Why a completed request has no output. The result call answers with the error in full.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// In the service's words.
    pub error: String,
    /// Of what kind.
    pub error_type: Option<ErrorType>,
}

impl QueueUpdate {
    /// Reads a status as the service writes it. Only the word `status` has to be there.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        QueueUpdate::from_fields(&serde_json::from_slice(body).ok()?)
    }

    fn from_fields(status: &Map<String, Value>) -> Option<Self> {
        let logs = || -> Vec<LogEntry> {
            let lines = status.get("logs").and_then(Value::as_array);
            lines.into_iter().flatten().map(LogEntry::parse).collect()
        };
        Some(match status.get("status")?.as_str()? {
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
            other => QueueUpdate::Other { status: other.to_owned(), logs: logs() },
        })
    }

    /// Whether it is over. There is no other final state: a failed and a cancelled request are completed, too.
    pub fn is_completed(&self) -> bool {
        matches!(self, QueueUpdate::Completed { .. })
    }

    /// Whether it is over, and has no output.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self, QueueUpdate::Completed { failure: Some(_), .. })
    }

    /// The service's word for it.
    pub(crate) fn word(&self) -> &str {
        match self {
            QueueUpdate::InQueue { .. } => "IN_QUEUE",
            QueueUpdate::InProgress { .. } => "IN_PROGRESS",
            QueueUpdate::Completed { .. } => "COMPLETED",
            QueueUpdate::Other { status, .. } => status,
        }
    }

    /// The lines that were logged.
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

impl<'de> Deserialize<'de> for QueueUpdate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let status = Map::deserialize(deserializer)?;
        QueueUpdate::from_fields(&status)
            .ok_or_else(|| D::Error::custom("the field `status` with the state as text is missing"))
    }
}

impl Serialize for QueueUpdate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut status = serializer.serialize_map(None)?;
        status.serialize_entry("status", self.word())?;
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
        let error_type = status.get("error_type").and_then(Value::as_str).map(ErrorType::other);
        let error = match status.get("error") {
            None | Some(Value::Null) if error_type.is_none() => return None,
            None | Some(Value::Null) => String::new(),
            Some(Value::String(error)) => error.clone(),
            Some(other) => other.to_string(),
        };
        Some(Failure { error, error_type })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<QueueUpdate> {
        QueueUpdate::parse(text.as_bytes())
    }

    #[test]
    fn a_status_is_read_with_what_it_has() {
        assert_eq!(
            read(r#"{"status":"IN_QUEUE","queue_position":123,"response_url":null}"#),
            Some(QueueUpdate::InQueue { position: Some(123), logs: vec![] })
        );
        assert_eq!(read(r#"{"status":"IN_QUEUE"}"#), Some(QueueUpdate::InQueue { position: None, logs: vec![] }));
        assert_eq!(read(r#"{"status":"IN_PROGRESS","logs":null}"#), Some(QueueUpdate::InProgress { logs: vec![] }));
        let logs = read(r#"{"status":"IN_PROGRESS","logs":[{"message":"a"},{"message":"b"}]}"#);
        assert_eq!(logs.map(|update| update.logs().len()), Some(2));
        let odd = r#"{"status":"PAUSED","logs":{}}"#;
        assert_eq!(read(odd), Some(QueueUpdate::Other { status: "PAUSED".into(), logs: vec![] }));
        for bad in ["", "[]", "{}", r#"{"status":3}"#, "not json"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_status_is_written_as_it_is_read() {
        for text in [
            r#"{"status":"IN_QUEUE","queue_position":3,"logs":[]}"#,
            r#"{"status":"IN_QUEUE"}"#,
            r#"{"status":"IN_PROGRESS","logs":[{"message":"a","timestamp":"t","level":"INFO","source":"USER"},"bare"]}"#,
            r#"{"status":"COMPLETED","metrics":{"inference_time":3.5,"x":[1]}}"#,
            r#"{"status":"COMPLETED","error":"e","error_type":"request_timeout"}"#,
            r#"{"status":"COMPLETED","error":""}"#,
            r#"{"status":"PAUSED"}"#,
        ] {
            let update = read(text).expect(text);
            let written = serde_json::to_string(&update).expect("JSON");
            assert_eq!(serde_json::from_str::<QueueUpdate>(&written).expect("a status"), update, "{written}");
        }
        let error = serde_json::from_str::<QueueUpdate>(r#"{"state":"IN_QUEUE"}"#).expect_err("no status");
        assert!(error.to_string().contains("`status`"), "{error}");
    }

    #[test]
    fn completed_says_how_it_went() {
        let Some(QueueUpdate::Completed { metrics, failure, .. }) =
            read(r#"{"status":"COMPLETED","metrics":{"inference_time":3.5,"x":1}}"#)
        else {
            panic!("completed")
        };
        assert_eq!((metrics.inference_time, metrics.all.len(), failure), (Some(3.5), 2, None));
        let Some(QueueUpdate::Completed { metrics, failure: Some(failure), .. }) = read(
            r#"{"status":"COMPLETED","metrics":{"inference_time":null},"error":"e","error_type":"request_timeout"}"#,
        ) else {
            panic!("failed")
        };
        assert_eq!(metrics.inference_time, None);
        assert_eq!((failure.error.as_str(), failure.error_type), ("e", Some(ErrorType::RequestTimeout)));
    }
}
