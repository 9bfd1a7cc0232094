//! A clock that all processes of the machine share.

use rustix::time::{ClockId, clock_gettime};

/// Returns the time in nanoseconds, as `process.hrtime` of Node and `time.monotonic_ns` of Python do.
pub(crate) fn now() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
