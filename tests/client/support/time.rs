//! Time that a test passes itself, so that no outcome depends on the speed of the machine.

use std::time::Duration;

use super::queue::skip;
use super::server::Server;

/// A time limit that only passes if a test moves the clock.
pub(crate) const LIMIT: Duration = Duration::from_secs(1_000);

/// Lets the client process what it received.
pub(crate) async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

/// Awaits a call whose time passes once it has reached a point.
pub(crate) async fn passing<T>(time: Duration, reached: impl Future, call: impl IntoFuture<Output = T>) -> T {
    let passed = async {
        reached.await;
        settle().await;
        skip(time).await;
        std::future::pending().await
    };
    tokio::select! {
        biased;
        outcome = call.into_future() => outcome,
        () = passed => unreachable!("it never ends"),
    }
}

/// Waits until the server has received `count` requests in all.
pub(crate) async fn requests(server: &Server, count: usize) {
    while server.seen().len() < count {
        tokio::task::yield_now().await;
    }
}

/// Stops the clock of the runtime until the returned value is dropped. A paused clock moves while the runtime waits for
/// connections, unless it also waits for a blocking task.
pub(crate) fn stop_clock() -> StoppedClock {
    let (guard, dropped) = std::sync::mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || dropped.recv());
    tokio::time::pause();
    StoppedClock { _guard: guard }
}

pub(crate) struct StoppedClock {
    _guard: std::sync::mpsc::Sender<()>,
}
