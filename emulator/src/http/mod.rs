//! What is on the wire: requests come in, are routed, met by faults, answered in fal's shapes, and remembered.

mod body;
mod failure;
mod fault;
mod jobs;
mod journal;
mod keys;
mod media;
mod mistake;
mod range;
mod received;
mod refusal;
mod reply;
mod route;
mod server;
mod service;
mod status_stream;
mod storage;
mod wire;

pub(crate) use failure::Failure;
pub(crate) use fault::Faults;
pub(crate) use journal::{Journal, KEPT_BYTES, KEPT_REQUESTS};
pub(crate) use keys::Keys;
pub(crate) use received::Received;
pub(crate) use server::{Port, Server};
pub(crate) use service::{Service, Settings};

pub use fault::Fault;
pub use received::ReceivedRequest;
pub use route::Operation;
