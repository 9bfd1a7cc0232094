use std::time::{Duration, SystemTime};

use crate::platform::error::invalid;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::time::iso8601;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// The time range of a list: `start` to `end`, without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: SystemTime,
    pub(crate) end: Option<SystemTime>,
}

impl Period {
    /// Parses the range of a request. Without `start`, it begins `default` before now. Without `end`, it does not end.
    pub(crate) fn of(received: &Received, now: SystemTime, default: Duration) -> Result<Self, Refusal> {
        let parse = |name: &str| {
            let time = received.query(name).map(|text| {
                let message = format!("`{name}` has to be an ISO 8601 date or time, such as 2026-01-31T00:00:00Z");
                iso8601::parse(text).ok_or_else(|| invalid(&message))
            });
            time.transpose()
        };
        let (start, end) = (parse("start")?, parse("end")?);
        let start = start.unwrap_or_else(|| now.checked_sub(default).unwrap_or(SystemTime::UNIX_EPOCH));
        if end.is_some_and(|end| end < start) {
            return Err(invalid("`end` has to be later than `start`"));
        }
        Ok(Period { start, end })
    }

    pub(crate) fn contains(&self, time: SystemTime) -> bool {
        time >= self.start && self.end.is_none_or(|end| time < end)
    }
}
