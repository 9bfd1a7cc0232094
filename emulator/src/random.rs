//! Random names. The standard library seeds its hashers randomly, which is good enough here and needs no dependency.

use std::hash::{BuildHasher, Hasher, RandomState};

fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Returns 32 random hexadecimal digits.
pub(crate) fn secret() -> String {
    format!("{:016x}{:016x}", number(), number())
}

/// Returns 16 random hexadecimal digits.
pub(crate) fn name() -> String {
    format!("{:016x}", number())
}

/// Returns a random UUID, version 4, which fal's request ids are.
///
/// ```
/// let request_id = fal_emulator::webhook::request_id();
/// assert_eq!(request_id.len(), 36);
/// ```
pub fn uuid() -> String {
    let (high, low) = (number(), number());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}
