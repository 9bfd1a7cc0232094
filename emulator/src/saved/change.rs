use std::io;
#[cfg(feature = "state")]
use std::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// A kind of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An accepted request, by request id.
    Job,
    /// The changes of a job that time did not make, by request id.
    Progress,
    /// The URL of a webhook that is not delivered yet, by request id.
    Webhook,
    /// The bills of an endpoint's jobs that were removed, by endpoint id.
    Billed,
    /// A stored file, by path.
    File,
    /// The caption of a generated file, by motif.
    Caption,
    /// The time by which the clock was advanced.
    Clock,
}

#[cfg(feature = "state")]
impl Kind {
    /// Returns the name in the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Job => "job",
            Kind::Progress => "progress",
            Kind::Webhook => "webhook",
            Kind::Billed => "billed",
            Kind::File => "file",
            Kind::Caption => "caption",
            Kind::Clock => "clock",
        }
    }
}

/// A change of the records.
#[cfg_attr(not(feature = "state"), expect(dead_code, reason = "only a state file has changes"))]
pub(crate) enum Change {
    /// Adds or replaces a record, which is JSON.
    Put {
        kind: Kind,
        key: String,
        value: String,
    },
    Delete {
        kind: Kind,
        key: String,
    },
    /// Adds or replaces the content of a file.
    PutContent {
        path: String,
        chunks: Box<dyn Iterator<Item = io::Result<Bytes>> + Send>,
    },
    DeleteContent {
        path: String,
    },
}

/// Returns the nanoseconds since 1970, as records have times.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the time of nanoseconds since 1970.
#[cfg(feature = "state")]
pub(crate) fn time(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}
