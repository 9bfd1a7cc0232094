//! The former names of faults, for tests that were written with them.

use std::time::Duration;

use super::fault::Fault;

#[doc(hidden)]
impl Fault {
    #[deprecated(note = "renamed to `Fault::respond`")]
    pub fn answer(status: u16) -> Self {
        Fault::respond(status)
    }

    #[deprecated(note = "renamed to `Fault::drop_response_in_head`")]
    pub fn tear_head() -> Self {
        Fault::drop_response_in_head()
    }

    #[deprecated(note = "renamed to `Fault::drop_response_after`")]
    pub fn tear_after(count: usize) -> Self {
        Fault::drop_response_after(count)
    }

    #[deprecated(note = "renamed to `Fault::drop_response_after_bytes`")]
    pub fn tear_after_bytes(bytes: usize) -> Self {
        Fault::drop_response_after_bytes(bytes)
    }

    #[deprecated(note = "renamed to `Fault::stall_response_after`")]
    pub fn silence_after(count: usize) -> Self {
        Fault::stall_response_after(count)
    }

    #[deprecated(note = "renamed to `Fault::throttle`")]
    pub fn drip(bytes: usize, interval: Duration) -> Self {
        Fault::throttle(bytes, interval)
    }

    #[deprecated(note = "renamed to `Fault::ignore_range`")]
    pub fn without_ranges() -> Self {
        Fault::ignore_range()
    }
}
