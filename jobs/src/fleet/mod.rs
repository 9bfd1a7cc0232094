//! Jobs that are recorded by one process and run by others.

mod enqueue;
mod pause;
mod worker;

pub use enqueue::Enqueue;
pub use worker::{Worker, WorkerReport};
