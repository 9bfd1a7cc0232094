//! Processes that are killed: at every step of a job, at random, and with their database.

mod child;
mod fleet;
mod jobs;
mod points;
mod random;
mod server;
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests of `jobs` use the rest")]
#[path = "../jobs/support/mod.rs"]
mod support;
mod together;
mod work;
