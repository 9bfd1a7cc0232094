//! The emulator's clock, which tests can advance, and fal's timestamp format.

pub(crate) mod clock;
pub(crate) mod iso8601;

use std::time::Duration;

/// Returns the seconds of a time, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
