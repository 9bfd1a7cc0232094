use std::collections::HashSet;
use std::mem;
use std::sync::Mutex;

use crate::sync::lock;

/// The request ids of jobs that something other than time has changed since the list was last taken.
#[derive(Debug, Default)]
pub(crate) struct Changed(Mutex<HashSet<String>>);

impl Changed {
    pub(crate) fn add(&self, request_id: &str) {
        lock(&self.0).insert(request_id.to_owned());
    }

    /// Returns the list, and starts an empty one.
    pub(crate) fn take(&self) -> HashSet<String> {
        mem::take(&mut lock(&self.0))
    }
}
