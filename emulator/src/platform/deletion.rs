use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// The deletion of a request's payloads.
#[derive(Clone, Debug)]
pub(crate) struct Deletion {
    /// The `Idempotency-Key` of the request that deleted them.
    pub(crate) key: Option<String>,
    pub(crate) at: Instant,
    pub(crate) response: Value,
}

impl Deletion {
    /// Returns the response that a repeated request with a key gets again, within ten minutes.
    pub(crate) fn repeated(&self, key: Option<&str>, now: Instant) -> Option<&Value> {
        const REMEMBERED: Duration = Duration::from_secs(600);
        let is_same = key.is_some() && key == self.key.as_deref();
        (is_same && now.saturating_duration_since(self.at) < REMEMBERED).then_some(&self.response)
    }
}
