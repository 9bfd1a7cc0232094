//! Random names and numbers. The standard library seeds its hashers randomly, which is good enough here and needs no dependency.

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

/// Returns the number that belongs to the terms: from 0, including, to 1, excluding.
pub(crate) fn draw(terms: [u64; 3]) -> f64 {
    // SplitMix64, whose output is even for inputs that differ by one bit.
    let mix = |state: u64, term: u64| {
        let mut mixed = (state ^ term).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let bits = terms.into_iter().fold(0, mix) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
