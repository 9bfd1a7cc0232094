//! The emulator's clock, which tests can advance, and fal's timestamp format.

pub(crate) mod clock;
pub(crate) mod iso8601;
