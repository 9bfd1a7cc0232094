use std::time::Duration;

use super::request::Operation;

/// Time limits for silence during a request. The total time is limited by the `timeout` of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// Limit until the response begins, except for direct runs and streams.
    pub(crate) response: Duration,
    /// Limit between two chunks of a body, except for streams.
    pub(crate) idle: Duration,
    /// Limit between two chunks of a status stream.
    pub(crate) status_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            response: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            status_idle: Duration::from_secs(45),
        }
    }
}

impl Timeouts {
    /// Returns the limit until the response begins. A direct run has none because it responds when the model is done.
    pub(crate) fn response(&self, operation: Operation) -> Option<Duration> {
        match operation {
            Operation::Run => None,
            Operation::Stream { idle } => Some(idle),
            Operation::StatusStream => Some(self.status_idle),
            _ => Some(self.response),
        }
    }
}
