//! Connections that have become WebSockets.

mod calls;
mod codec;
mod incoming;
mod pump;
mod realtime;
mod responder;
pub(crate) mod session;
mod socket;
