use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::lock;

/// A limit of requests without a key, in windows of time.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    /// The most requests in a time.
    limit: Option<(u32, Duration)>,
    window: Mutex<Option<Window>>,
}

#[derive(Debug)]
struct Window {
    start: Instant,
    requests: u32,
}

impl RateLimit {
    pub(crate) fn new(limit: Option<(u32, Duration)>) -> Self {
        RateLimit { limit, window: Mutex::default() }
    }

    /// Counts a request. Fails with the time until the next window if the limit is reached.
    pub(crate) fn count(&self, now: Instant) -> Result<(), Duration> {
        let Some((max, time)) = self.limit else { return Ok(()) };
        let mut window = lock(&self.window);
        let current = match window.take().filter(|window| now.saturating_duration_since(window.start) < time) {
            Some(window) => window,
            None => Window { start: now, requests: 0 },
        };
        let left = time.saturating_sub(now.saturating_duration_since(current.start));
        let is_within = current.requests < max;
        *window = Some(Window { requests: current.requests + u32::from(is_within), ..current });
        if is_within { Ok(()) } else { Err(left) }
    }
}
