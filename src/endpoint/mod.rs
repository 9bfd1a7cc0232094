//! Endpoints: how they are named, and the handle through which one is called.

mod handle;
mod id;
mod typed;

pub use handle::Handle;
pub(crate) use id::EndpointId;
pub use typed::{AsEndpoint, Endpoint};
