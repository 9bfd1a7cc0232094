//! Random numbers and what is made of them. The standard library's hashers start from random numbers, which is good
//! enough for a name.

use std::hash::{BuildHasher, Hasher, RandomState};

fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// 32 hexadecimal digits.
pub(crate) fn secret() -> String {
    format!("{:016x}{:016x}", number(), number())
}

/// 16 hexadecimal digits.
pub(crate) fn name() -> String {
    format!("{:016x}", number())
}

/// A UUID, version 4.
pub(crate) fn uuid() -> String {
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
