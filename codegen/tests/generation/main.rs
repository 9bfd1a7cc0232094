//! What is generated from documents, and what is refused.

#![allow(clippy::unwrap_used)]

mod changes;
mod flagship;
mod forms;
mod hostile;
mod patches;
mod project;
mod refusals;
mod selection;
mod stability;
mod traps;
