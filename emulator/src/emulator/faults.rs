use crate::emulator::Emulator;
use crate::faults::fault::Fault;
use crate::request::operation::Operation;

impl Emulator {
    /// Queues a fault for the next request of an operation, after the faults that are queued already. See [`Fault`].
    pub fn inject_fault(&self, operation: Operation, fault: Fault) {
        self.state.faults.add(operation, fault);
    }

    #[doc(hidden)]
    #[deprecated(note = "renamed to `Emulator::inject_fault`")]
    pub fn fault(&self, operation: Operation, fault: Fault) {
        self.inject_fault(operation, fault);
    }

    #[doc(hidden)]
    #[deprecated(note = "renamed to `Emulator::pending_faults`")]
    pub fn faults_left(&self) -> usize {
        self.pending_faults()
    }

    /// Returns the number of injected faults that have not happened yet, or not [as often](Fault::times) as they should. Faults
    /// that [repeat](Fault::repeat), or have a [probability](Fault::probability), are not counted. A test can assert at its end
    /// that it is 0.
    pub fn pending_faults(&self) -> usize {
        self.state.faults.expected().len() + self.state.outbox.count_faults()
    }

    /// Removes the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.state.clear_faults();
    }

    /// Requires that all injected faults have happened, see [`pending_faults`](Self::pending_faults).
    ///
    /// # Panics
    ///
    /// If one has not, with a list of all.
    #[track_caller]
    pub fn assert_no_pending_faults(&self) {
        let expected = self.state.faults.expected();
        let faults = expected.iter().map(|(operation, fault, left)| match left {
            1 => format!("\n  {operation:?}: {fault}"),
            _ => format!("\n  {operation:?}: {fault}, {left} more times"),
        });
        let webhooks = self.state.outbox.count_faults();
        let webhooks = (webhooks > 0).then(|| format!("\n  {webhooks} faults of webhooks"));
        let list: String = faults.chain(webhooks).collect();
        assert!(list.is_empty(), "faults that have not happened:{list}");
    }

    /// Closes the next `count` connections as soon as they are accepted, before anything is read.
    ///
    /// Open connections stay open, such as those that a client reuses for its next request.
    pub fn drop_connections(&self, count: usize) {
        self.state.drop_connections(count);
    }
}
