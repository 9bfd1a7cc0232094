use std::time::Duration;

use super::request::Operation;

/// How long a request may be silent. A total is the caller's to set (`timeout` of a call).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// Until the head of the answer, for everything but a direct run and a status stream.
    pub(crate) response: Duration,
    /// Between two pieces of a body.
    pub(crate) idle: Duration,
    /// Between two pieces of a stream of events.
    pub(crate) stream_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            response: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            stream_idle: Duration::from_secs(45),
        }
    }
}

impl Timeouts {
    /// Until the head of the answer. A direct run answers when the model is done, however long that takes.
    pub(crate) fn response(&self, operation: Operation) -> Option<Duration> {
        match operation {
            Operation::Run => None,
            Operation::StatusStream => Some(self.stream_idle),
            _ => Some(self.response),
        }
    }
}
