//! The runtime of all blocking calls, and the executor that runs a call in its caller's thread.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind};

/// The runtime that the clients of the process share.
static SHARED: Mutex<Weak<Runtime>> = Mutex::new(Weak::new());

/// More than the number of steps after which tokio makes a task yield.
const MAX_BUDGET: usize = 1024;

/// A runtime in a thread, which ends when this is dropped.
pub(super) struct Runtime {
    handle: Handle,
    _stop: oneshot::Sender<Infallible>,
}

impl Runtime {
    /// Returns the runtime, and starts it if necessary.
    pub(super) fn shared() -> Result<Arc<Self>, Error> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = shared.upgrade() {
            return Ok(runtime);
        }
        let runtime = Arc::new(Runtime::start()?);
        *shared = Arc::downgrade(&runtime);
        Ok(runtime)
    }

    /// Returns the runtime if a blocking client exists.
    pub(super) fn current() -> Option<Arc<Self>> {
        SHARED.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    fn start() -> Result<Self, Error> {
        let failed = |error| {
            let message = "cannot start the thread of blocking clients";
            Error::new(ErrorKind::Configuration, message).caused_by(error)
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            let Err(_) = runtime.block_on(stopped);
            // A reader of a file may block without end.
            runtime.shutdown_background();
        };
        thread::Builder::new().name("fal-client".to_owned()).spawn(run).map_err(failed)?;
        Ok(Runtime { handle, _stop: stop })
    }

    /// Makes this the runtime of the thread.
    pub(super) fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }
}

/// Runs a future in this thread. Its connections and timers are driven by the shared runtime.
///
/// Unlike the methods of tokio, it does not panic where a thread must not block, and may be nested.
pub(super) fn block_on<F: Future>(future: F) -> Result<F::Output, Error> {
    if is_in_task() {
        let message =
            "blocking call in an async task: await the call instead, or move it to `tokio::task::spawn_blocking`";
        return Err(Error::new(ErrorKind::Configuration, message));
    }
    let runtime = Runtime::current().ok_or_else(|| {
        let message = "no blocking client: make calls with the handles of a `fal_client::blocking::Client`";
        Error::new(ErrorKind::Configuration, message)
    })?;
    // The future is dropped before it.
    let _entered = runtime.enter();
    let mut future = pin!(future);
    let parked = Arc::new(Parked { thread: thread::current(), is_woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&parked));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        while !parked.is_woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

/// Returns true in a task of tokio and in its `block_on`, where a thread must not block.
///
/// tokio does not tell these apart from `spawn_blocking`, where it may. But it limits only these in the number of steps before
/// they have to yield.
fn is_in_task() -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let mut must_yield = || pin!(tokio::task::consume_budget()).poll(&mut context).is_pending();
    Handle::try_current().is_ok() && (0..MAX_BUDGET).any(|_| must_yield())
}

/// A thread that waits for its future.
struct Parked {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
