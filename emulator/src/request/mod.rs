//! Received requests: their route, headers and body, and the journal that remembers them.

pub(crate) mod difference;
pub(crate) mod fal_host;
pub(crate) mod journal;
mod mistake;
pub(crate) mod operation;
pub(crate) mod received;
pub(crate) mod received_request;
pub(crate) mod refused_hosts;
pub(crate) mod requests;
pub(crate) mod route;
pub(crate) mod secret_name;
