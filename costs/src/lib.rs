//! Calls whose costs are counted, with fal-client and with reqwest alone.

mod calls;
mod derived;
mod exchange;
mod server;

pub use calls::{Call, Calls};
pub use derived::Derived;
pub use exchange::{MANY, OUTPUT, input};
pub use server::Server;

/// An error of any kind.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Calls run on the thread that counts.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
