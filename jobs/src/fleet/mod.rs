//! Jobs that are recorded by one process and run by others.

mod enqueue;
mod pause;
mod report;
mod shift;
mod worker;

pub use enqueue::Enqueue;
pub use report::WorkerReport;
pub use worker::Worker;
