//! The platform API.

mod account;
mod deletion;
mod emulated;
mod errors;
mod estimates;
mod lists;
mod models;
mod prices;
mod requests;
#[allow(dead_code)]
#[path = "../client/support/server.rs"]
mod server;
mod support;
mod usage;
