//! Processes that are killed: at every step of a job, at random, and with their database.

mod batch;
mod child;
mod fleet;
mod points;
mod random;
mod server;
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests of `jobs` use the rest")]
#[path = "../jobs/support/mod.rs"]
mod support;
mod together;
