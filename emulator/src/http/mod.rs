//! What is on the wire: requests come in, are routed, met by faults, answered in fal's shapes, and remembered.

mod body;
mod failure;
mod fault;
mod keys;
mod received;
mod refusal;
mod reply;
mod route;
mod server;
mod service;
mod status_stream;

pub(crate) use failure::Failure;
pub(crate) use fault::Faults;
pub(crate) use keys::Keys;
pub(crate) use received::{Journal, KEPT_BYTES, KEPT_REQUESTS, Received};
pub(crate) use server::{Port, Server};
pub(crate) use service::{OnRequest, Service};

pub use fault::Fault;
pub use received::ReceivedRequest;
pub use route::Operation;
