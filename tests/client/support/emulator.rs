//! Emulators for the tests, and queries of the requests that they received.

use fal_emulator::{Emulator, Operation, Pace, ReceivedRequest, StoredFile};

/// Starts an emulator that completes jobs immediately.
pub(crate) async fn start_instant() -> Emulator {
    start(Pace::instant()).await
}

pub(crate) async fn start(pace: Pace) -> Emulator {
    Emulator::builder().pace(pace).start().await.expect("an emulator")
}

/// Counts the received requests of an operation.
pub(crate) fn count(emulator: &Emulator, operation: Operation) -> usize {
    emulator.requests().iter().filter(|request| request.operation() == operation).count()
}

/// Waits until the emulator has received `requests` requests of an operation.
pub(crate) async fn counted(emulator: &Emulator, operation: Operation, requests: usize) {
    while count(emulator, operation) < requests {
        tokio::task::yield_now().await;
    }
}

/// Lists everything the client sent that no client should send.
pub(crate) fn mistakes(emulator: &Emulator) -> Vec<String> {
    let describe = |request: &ReceivedRequest| {
        request.mistake().map(|mistake| format!("{} {}: {mistake}", request.method(), request.path()))
    };
    emulator.requests().iter().filter_map(describe).collect()
}

/// Returns the stored file with a URL.
pub(crate) fn stored_file(emulator: &Emulator, url: &str) -> StoredFile {
    emulator.files().into_iter().find(|file| file.url() == url).expect("a stored file")
}
