use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use fal_client::ErrorKind;
use fal_client::blocking::Client;
use fal_emulator::{Emulator, EmulatorBuilder, Pace};
use tokio::runtime::{Builder, Runtime};

pub(crate) const ENDPOINT: &str = "fal-ai/flux/dev/redux";

/// Held while a test has blocking clients, because all of the process share one thread.
pub(crate) static CLIENTS: RwLock<()> = RwLock::new(());

/// An emulator with a runtime of its own.
pub(crate) struct Service {
    pub(crate) emulator: Emulator,
    pub(crate) runtime: Runtime,
    _clients: Option<RwLockReadGuard<'static, ()>>,
}

impl Service {
    /// Starts an emulator that completes jobs immediately.
    pub(crate) fn instant() -> Self {
        Service::start(Emulator::builder().pace(Pace::instant()))
    }

    /// Starts an emulator whose jobs stay in the queue.
    pub(crate) fn manual() -> Self {
        Service::start(Emulator::builder().pace(Pace::manual()))
    }

    pub(crate) fn start(builder: EmulatorBuilder) -> Self {
        let clients = CLIENTS.read().unwrap_or_else(PoisonError::into_inner);
        Service { _clients: Some(clients), ..Service::of(builder) }
    }

    /// Starts an emulator for a test that holds [`CLIENTS`] itself.
    pub(crate) fn alone() -> Self {
        Service::of(Emulator::builder().pace(Pace::instant()))
    }

    fn of(builder: EmulatorBuilder) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let emulator = runtime.block_on(builder.start()).expect("an emulator");
        Service { emulator, runtime, _clients: None }
    }

    pub(crate) fn client(&self) -> Client {
        self.emulator.client_builder().build_blocking().expect("a blocking client")
    }
}

pub(crate) fn input() -> serde_json::Value {
    serde_json::json!({ "image_url": "https://example.com/a.png" })
}

/// Asserts that a call failed because it was made in an async task, or without a blocking client.
pub(crate) fn assert_misplaced<T: std::fmt::Debug>(outcome: Result<T, fal_client::Error>, words: &str) {
    let error = outcome.expect_err("not a place for blocking calls");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains(words), "{error}");
}
