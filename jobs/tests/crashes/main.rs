//! Processes that are killed: at every step of a job, at random, and with their database.

mod batch;
mod child;
mod fleet;
mod points;
mod random;
mod server;
// Some helpers are for the other tests only.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../jobs/support/mod.rs"]
mod support;
mod together;
