use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The point at which a connection breaks. Clones share it: a fault sets it, the connection honours it.
#[derive(Clone, Debug)]
pub(crate) struct BreakPoint(Arc<AtomicUsize>);

const NEVER: usize = usize::MAX;

impl BreakPoint {
    pub(crate) fn never() -> Self {
        BreakPoint(Arc::new(AtomicUsize::new(NEVER)))
    }

    /// Breaks the connection once `bytes` more bytes are sent.
    pub(crate) fn set(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// Returns the bytes that are still sent, or `None` if the connection does not break.
    pub(crate) fn remaining(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|bytes| *bytes != NEVER)
    }
}
