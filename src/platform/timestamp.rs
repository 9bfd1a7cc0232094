use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::protocol::unix_seconds;
use crate::text::shown;

/// A point in time as the platform API writes it (RFC 3339), or a date. A time without a zone is UTC.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use fal_client::platform::Timestamp;
///
/// let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_323_045_678);
/// assert_eq!(Timestamp::from(time).as_str(), "2026-01-02T03:04:05.678Z");
/// assert_eq!(Timestamp::from("2026-01-02T05:04:05.678+02:00").to_system_time(), Some(time));
/// assert_eq!(Timestamp::from("2026-01-02").to_system_time(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000)));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Timestamp(String);

impl Timestamp {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the time. A date is its first moment in UTC. `None` if the text is not a time from 1970 on.
    pub fn to_system_time(&self) -> Option<SystemTime> {
        let text = self.0.trim();
        let seconds = unix_seconds(text).or_else(|| unix_seconds(&format!("{text}T00:00:00Z")))?;
        let whole = UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))?;
        whole.checked_add(fraction(text))
    }

    /// Returns the form that fal's reference documents for parameters: a date, or a time in UTC. `None` if it is not a time
    /// from 1970 on.
    pub(super) fn parameter(&self) -> Option<String> {
        const DATE: usize = "2026-01-02".len();
        let Timestamp(mut utc) = self.to_system_time()?.into();
        if !self.0.trim().contains(['T', 't', ' ']) {
            utc.truncate(DATE);
        }
        Some(utc)
    }
}

/// Returns the fraction of the second, up to nanoseconds.
fn fraction(text: &str) -> Duration {
    let Some((_, after)) = text.split_once('.') else { return Duration::ZERO };
    let digits = after.bytes().take_while(u8::is_ascii_digit).take(9);
    let nanos = digits.chain(std::iter::repeat(b'0')).take(9).fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Duration::from_nanos(nanos.into())
}

/// Keeps microseconds. A time before 1970 becomes 1970.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second % 3600 / 60, second % 60);
        let micros = format!("{:06}", since.subsec_micros());
        // Most services write milliseconds.
        let fraction = micros.strip_suffix("000").unwrap_or(&micros);
        Timestamp(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z"))
    }
}

impl From<&str> for Timestamp {
    fn from(text: &str) -> Self {
        Timestamp(text.to_owned())
    }
}

impl From<String> for Timestamp {
    fn from(text: String) -> Self {
        Timestamp(text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", shown(&self.0))
    }
}

/// Returns the year, the month and the day of a number of days since 1970, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years begin in March, so that a leap day comes last. 400 years have 146,097 days.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_written_and_parsed() {
        for day in (0..200_000).chain([2_932_896]) {
            let time = UNIX_EPOCH + Duration::from_secs(day * 86_400 + 86_399);
            let text = Timestamp::from(time);
            assert_eq!(text.to_system_time(), Some(time), "{text}");
        }
        assert_eq!(Timestamp::from(UNIX_EPOCH + Duration::from_secs(951_825_600)).as_str(), "2000-02-29T12:00:00.000Z");
    }

    #[test]
    fn odd_times_are_absent() {
        for text in ["", "soon", "1969-12-31T23:59:59Z", "2026-13-01", "2026-01-02T", "99999-01-01T00:00:00Z"] {
            assert_eq!(Timestamp::from(text).to_system_time(), None, "{text}");
        }
        for (text, nanos) in [
            ("2026-01-02T03:04:05.5Z", 500_000_000),
            ("2026-01-02T03:04:05.000000001+00:00", 1),
            ("2026-01-02T03:04:05.1234567899Z", 123_456_789),
            ("2026-01-02T03:04:05Z", 0),
        ] {
            let expected = UNIX_EPOCH + Duration::new(1_767_323_045, nanos);
            assert_eq!(Timestamp::from(text).to_system_time(), Some(expected), "{text}");
        }
        let before = Timestamp::from(UNIX_EPOCH - Duration::from_secs(9));
        assert_eq!(before.as_str(), "1970-01-01T00:00:00.000Z");
    }
}
