use std::time::Duration;

const MIN_DELAY: Duration = Duration::from_millis(250);
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Maximum delay of requests that last for hours.
const MAX_DELAY_OF_HOURS: Duration = Duration::from_secs(60);

/// Returns the delay before the next poll of a request. `expected` is the age at which requests of its endpoint are usually
/// completed.
///
/// Polls become denser towards the expected end, and rarer after it. Without one, the delay is a share of the age, so that a
/// completed request waits for its poll for a share of its own duration at most.
///
/// - A delay is at least 250 ms and a 50th of the age, so that a request that lasts for hours takes a poll a minute.
/// - It is at most 5 s, or that 50th, and not longer than the age: a request that is faster than expected is noticed soon.
pub(super) fn poll_delay(age: Duration, expected: Option<Duration>) -> Duration {
    let min = (age / 50).clamp(MIN_DELAY, MAX_DELAY_OF_HOURS);
    let max = age.min(MAX_DELAY).max(min);
    let delay = match expected {
        Some(expected) => expected.abs_diff(age) / 3,
        None => age / 4,
    };
    delay.clamp(min, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the number of polls of a request, and the time between its completion and the last of them.
    fn polls(duration: f64, expected: Option<f64>) -> (usize, f64) {
        let (duration, expected) = (Duration::from_secs_f64(duration), expected.map(Duration::from_secs_f64));
        let mut age = Duration::ZERO;
        for polls in 1.. {
            if age >= duration {
                return (polls, (age - duration).as_secs_f64());
            }
            age += poll_delay(age, expected);
        }
        unreachable!("it never ends")
    }

    #[test]
    fn polls_are_dense_around_the_expected_end_only() {
        for (duration, expected, max_polls, max_late) in [
            (2.0, None, 9, 0.5),
            (30.0, None, 21, 5.0),
            (3_600.0, None, 240, 60.0),
            (24.0 * 3_600.0, None, 1_700, 60.0),
            (2.0, Some(2.0), 8, 0.25),
            (30.0, Some(30.0), 18, 0.6),
            (31.0, Some(30.0), 20, 0.7),
            (45.0, Some(30.0), 32, 5.0),
            (3_600.0, Some(3_600.0), 240, 60.0),
            // Much faster than the earlier ones.
            (1.0, Some(60.0), 4, 1.0),
            (10.0, Some(60.0), 8, 5.0),
        ] {
            let (polls, late) = polls(duration, expected);
            assert!(
                polls <= max_polls && late <= max_late,
                "{duration} s, expected {expected:?}: {polls}, {late} s late"
            );
        }
    }

    #[test]
    fn delays_have_bounds() {
        for age in [0.0, 0.1, 1.0, 30.0, 1_000.0, 1e6] {
            for expected in [None, Some(0.0), Some(1.0), Some(30.0), Some(1e9)] {
                let delay = poll_delay(Duration::from_secs_f64(age), expected.map(Duration::from_secs_f64));
                assert!((MIN_DELAY..=MAX_DELAY_OF_HOURS).contains(&delay), "{age} {expected:?}: {delay:?}");
            }
        }
    }
}
