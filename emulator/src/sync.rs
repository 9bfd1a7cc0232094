use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex. A panic elsewhere leaves the data as consistent as an early return would, so poison is ignored.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
