//! Timestamps as the service writes them (RFC 3339).

/// Parses `2026-01-02T03:04:05.678Z` to seconds since 1970. Without a zone, the time is UTC. Returns `None` if the text
/// is not a timestamp.
pub(crate) fn unix_seconds(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let (year, month, day) = {
        let mut parts = date.splitn(3, '-');
        (number(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?)
    };
    let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone);
    let (hour, minute, second) = {
        let mut parts = clock.splitn(3, ':');
        let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
        (number(hour)?, number(minute)?, number(second.split('.').next()?)?)
    };
    let fits = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    fits.then_some(())?;
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?)
}

/// Returns the seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.chars().next() {
        None | Some('Z' | 'z') => return (zone.len() <= 1).then_some(0),
        Some('-') => (-1, &zone[1..]),
        Some(_) => (1, &zone[1..]),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => digits.split_at_checked(2)?,
    };
    let minutes = if minutes.is_empty() { 0 } else { number(minutes)? };
    let hours = number(hours)?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days(next_year, next, 1) - days(year, month, 1)
}

/// Returns the days since 1970 in the Gregorian calendar. Years begin in March, so that a leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_parsed_to_seconds() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2024-12-31T23:59:60Z", Some(1_735_689_600)),
            ("2026-01-02T03:04:05.678901Z", Some(1_767_323_045)),
            ("2026-01-02T03:04:05.678901+00:00", Some(1_767_323_045)),
            ("2026-01-02t05:04:05+02:00", Some(1_767_323_045)),
            ("2026-01-01 21:34:05-0530", Some(1_767_323_045)),
            ("2026-01-02T03:04:05", Some(1_767_323_045)),
            ("2026-01-02T03:04", None),
            ("2026-13-02T03:04:05Z", None),
            ("2026-02-29T03:04:05Z", None),
            ("2026-04-31T03:04:05Z", None),
            ("2025-12-31T23:59:59Z", Some(1_767_225_599)),
            ("2026-01-02T03:04:05+24:00", None),
            ("2026-01-02T03:04:05+02:60", None),
            ("2026-01-02T24:04:05Z", None),
            ("2026-01-02T03:04:05Zulu", None),
            ("2026-01-02T03:04:05+é", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(unix_seconds(text), seconds, "{text}");
        }
    }
}
