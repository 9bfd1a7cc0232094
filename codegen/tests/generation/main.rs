//! What is generated from documents, and what is refused.

#![allow(clippy::unwrap_used)]

mod project;
mod refusals;
mod stability;
mod traps;
