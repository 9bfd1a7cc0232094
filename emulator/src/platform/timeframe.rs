use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::time::iso8601::{civil, days_since_epoch};

/// The length of a time bucket. Buckets are aligned to UTC, and weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeframe {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

impl Timeframe {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "minute" => Timeframe::Minute,
            "hour" => Timeframe::Hour,
            "day" => Timeframe::Day,
            "week" => Timeframe::Week,
            "month" => Timeframe::Month,
            _ => return None,
        })
    }

    /// Returns the timeframe that fal chooses for a range of this length.
    pub(crate) fn of_range(range: Duration) -> Self {
        match range.as_secs() {
            seconds if seconds < 2 * HOUR => Timeframe::Minute,
            seconds if seconds < 2 * DAY => Timeframe::Hour,
            seconds if seconds < 64 * DAY => Timeframe::Day,
            seconds if seconds < 183 * DAY => Timeframe::Week,
            _ => Timeframe::Month,
        }
    }

    /// Returns the start of the bucket of a time.
    pub(crate) fn start(self, time: SystemTime) -> SystemTime {
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let days = seconds / DAY;
        let start = match self {
            Timeframe::Minute => seconds - seconds % 60,
            Timeframe::Hour => seconds - seconds % HOUR,
            Timeframe::Day => days * DAY,
            // 1970-01-01 was a Thursday.
            Timeframe::Week => days.saturating_sub((days + 3) % 7) * DAY,
            Timeframe::Month => {
                let (year, month, _) = civil(days);
                let first = days_since_epoch(year.cast_signed(), month.cast_signed(), 1);
                u64::try_from(first).unwrap_or_default() * DAY
            }
        };
        UNIX_EPOCH + Duration::from_secs(start)
    }

    /// Returns the start of the first bucket that does not begin before a time.
    pub(crate) fn end(self, time: SystemTime) -> SystemTime {
        let start = self.start(time);
        if start == time {
            return start;
        }
        let longest = Duration::from_secs(match self {
            Timeframe::Minute => 60,
            Timeframe::Hour => HOUR,
            Timeframe::Day => DAY,
            Timeframe::Week => 7 * DAY,
            Timeframe::Month => 31 * DAY,
        });
        self.start(start + longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::iso8601::parse;

    #[test]
    fn buckets_are_aligned() {
        let time = parse("2026-11-26T13:14:15.5Z").expect("a time"); // a Thursday
        for (timeframe, start, end) in [
            (Timeframe::Minute, "2026-11-26T13:14:00Z", "2026-11-26T13:15:00Z"),
            (Timeframe::Hour, "2026-11-26T13:00:00Z", "2026-11-26T14:00:00Z"),
            (Timeframe::Day, "2026-11-26", "2026-11-27"),
            (Timeframe::Week, "2026-11-23", "2026-11-30"),
            (Timeframe::Month, "2026-11-01", "2026-12-01"),
        ] {
            assert_eq!((Some(timeframe.start(time)), Some(timeframe.end(time))), (parse(start), parse(end)));
            assert_eq!(timeframe.end(timeframe.start(time)), timeframe.start(time));
        }
        assert_eq!(parse("2026-12-31").map(|day| Timeframe::Month.end(day)), parse("2027-01-01"));
        assert_eq!(Timeframe::Week.start(UNIX_EPOCH), UNIX_EPOCH);
    }
}
