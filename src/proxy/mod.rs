//! A service that forwards the calls of browsers and apps to fal with the API key of a server.
//!
//! [`Proxy`] speaks the protocol of fal's proxies: a client sends its request to the proxy, with the real URL in the header
//! `x-fal-target-url`. `@fal-ai/client` does so with its option `proxyUrl`, and this crate with
//! [`ClientBuilder::proxy_url`](crate::ClientBuilder::proxy_url).
//!
//! The guide has a chapter on it, with a table of refusals: `docs/guide/proxy.md`.

mod allowed;
mod bodies;
mod builder;
mod caller;
mod exchange;
mod forwarded;
mod operation;
mod pattern;
mod refusal;
mod returned;
mod service;
mod settings;
mod target;
mod token_request;

pub use bodies::ProxyBody;
pub use builder::ProxyBuilder;
pub use caller::Caller;
pub use operation::Operation;
pub use service::Proxy;
