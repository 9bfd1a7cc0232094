//! The emulator's own time, which tests can move, and how fal writes times.

mod clock;
mod iso8601;

pub(crate) use clock::{Clock, FURTHEST};
pub(crate) use iso8601::iso8601;
