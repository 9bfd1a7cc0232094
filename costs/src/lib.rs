//! Calls whose costs are counted and timed, with fal-client and with reqwest alone, and a server for them.

mod call;
mod calls;
mod derived;
mod exchange;
mod server;

pub use call::Call;
pub use calls::{Calls, builder};
pub use derived::{Derived, Output};
pub use exchange::{ENDPOINT, EVENTS, MANY_EVENTS, OUTPUT, REQUEST_ID, input};
pub use server::Server;

/// An error of any kind.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Creates a runtime that works on the thread that waits for it.
///
/// # Errors
///
/// Fails if the system lacks resources.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
