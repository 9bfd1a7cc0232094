use std::collections::HashSet;
use std::mem;
use std::sync::Mutex;

use crate::queue::saved_job::SavedProgress;
use crate::saved::change::Kind;
use crate::saved::sink::Sink;
use crate::sync::lock;

/// The request ids of jobs that something other than time has changed since the list was last taken. Each change also goes to
/// the state file.
#[derive(Debug)]
pub(crate) struct Changed {
    ids: Mutex<HashSet<String>>,
    sink: Sink,
}

impl Changed {
    pub(crate) fn new(sink: Sink) -> Self {
        Changed { ids: Mutex::default(), sink }
    }

    pub(crate) fn add(&self, request_id: &str, progress: impl FnOnce() -> SavedProgress) {
        lock(&self.ids).insert(request_id.to_owned());
        self.sink.put(Kind::Progress, request_id, progress);
    }

    /// Returns the list, and starts an empty one.
    pub(crate) fn take(&self) -> HashSet<String> {
        mem::take(&mut lock(&self.ids))
    }
}
