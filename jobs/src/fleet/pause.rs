use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Returns a random time between half of a time and all of it, so that workers do not act in step.
pub(super) fn jittered(time: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    let random = u32::try_from(random).unwrap_or_default();
    time / 2 + time / 2 * random / 1000
}
