//! The proxy's integration tests. A caller sends raw requests to a proxy, which runs in axum before a scripted fal or the
//! emulator.

#[allow(dead_code)]
#[path = "../client/support/authority.rs"]
mod authority;
mod bodies;
mod builder;
mod cancellation;
mod client;
mod endpoints;
mod failures;
mod headers;
mod limits;
mod mounted;
mod refusals;
#[allow(dead_code)]
#[path = "../client/support/server.rs"]
mod server;
mod targets;
mod tokens;
#[allow(dead_code)]
#[path = "../client/support/unreachable.rs"]
mod unreachable;
