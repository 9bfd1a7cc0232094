use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Formats a time as fal does: `2026-01-02T03:04:05.678901Z`.
pub(crate) fn iso8601(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        since.subsec_micros()
    )
}

/// Converts days since 1970-01-01 to year, month and day. The computation uses years that begin in March, so that a
/// leap day is the last day of its year.
pub(crate) fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// Parses a date, or a date with a time and an offset: `2026-01-02`, `2026-01-02T03:04:05Z`, `2026-01-02T03:04:05.678+01:00`.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers::<3>(date, '-', &[4, 2, 2])?;
    if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    let days = days_since_epoch(year, month, day);
    let Some(time) = time else { return at(days * 86_400, 0) };
    let (time, offset) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let sign = time.rfind(['+', '-'])?;
            let [hours, minutes] = numbers::<2>(&time[sign + 1..], ':', &[2, 2])?;
            let seconds = (hours * 60 + minutes) * 60;
            if hours > 23 || minutes > 59 {
                return None;
            }
            (&time[..sign], if time[sign..].starts_with('-') { -seconds } else { seconds })
        }
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers::<3>(time, ':', &[2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 60 || fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: u32 = format!("{:0<9.9}", fraction).parse().ok()?;
    at(days * 86_400 + hour * 3600 + minute * 60 + second - offset, nanoseconds)
}

fn at(seconds: i64, nanoseconds: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    time?.checked_add(Duration::from_nanos(nanoseconds.into()))
}

/// Parses numbers with fixed counts of digits.
fn numbers<const N: usize>(text: &str, separator: char, digits: &[usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == *digits && part.bytes().all(|b| b.is_ascii_digit()))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The inverse of [`civil`].
pub(crate) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_correct_around_leap_days() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(iso8601(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn formatted_times_are_parsed() {
        for day in (0..60_000).step_by(7) {
            let time = UNIX_EPOCH + Duration::from_micros(day * 86_400_000_000 + 43_210_123_456);
            assert_eq!(parse(&iso8601(time)), Some(time));
        }
    }

    #[test]
    fn dates_and_offsets_are_parsed() {
        for (text, seconds) in [
            ("2000-02-29", 951_782_400),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2000-02-29T00:00:00.000Z", 951_782_400),
            ("2000-02-29T01:30:00+01:30", 951_782_400),
            ("2000-02-28T22:00:00-02:00", 951_782_400),
            ("1970-01-01", 0),
        ] {
            assert_eq!(parse(text), Some(UNIX_EPOCH + Duration::from_secs(seconds)), "{text}");
        }
        let before = UNIX_EPOCH - Duration::from_secs(86_400);
        assert_eq!(parse("1969-12-31"), Some(before));
    }

    #[test]
    fn invalid_times_are_refused() {
        for text in [
            "",
            "now",
            "2026",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2026-01-32",
            "2026-1-1",
            "2026-01-01T",
            "2026-01-01T00:00",
            "2026-01-01T00:00:00",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00+1",
            "2026-01-01T00:00:00.Z",
            "2026-01-01-01",
            "１２３４-01-01",
            "2026-01-01T00:00:00+24:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
