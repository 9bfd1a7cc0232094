//! The platform API.

mod account;
#[cfg(feature = "blocking")]
mod blocking;
mod deletion;
mod documents;
mod emulated;
mod errors;
mod estimates;
mod hosts;
mod json;
mod lists;
mod models;
mod prices;
mod rate_limits;
mod requests;
#[allow(dead_code)]
#[path = "../client/support/server.rs"]
mod server;
mod support;
mod usage;
