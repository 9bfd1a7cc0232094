//! Endpoints, and the handle that calls one.

mod handle;
mod into_endpoint;
mod json_input;
mod typed;

pub use handle::Handle;
pub use into_endpoint::IntoEndpoint;
pub use json_input::JsonInput;
pub use typed::Endpoint;
